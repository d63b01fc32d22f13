"""Parse an import file in batches; needs no database."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from liftos.kernel.http.parsing import InvalidRequest
from liftos.kernel.tenancy.types import Actor, ActorKind
from memory.bulk.lines import refused_line
from memory.index.given_vectors import GivenVectors
from memory.index.writes import Row
from memory.operations import read_drafts
from memory.policy_types import Secrets
from memory.transfer.format import Header, Imported, header_of, read_memory

OPERATOR = Actor(ActorKind.SYSTEM, "import_memories")
# characters of a refused value in the report
SHOWN = 200


@dataclass(slots=True)
class Report:
    """The result of a batch.

    Attributes:
        lines: number of lines, including blank ones.
        stored, unchanged, skipped: memories stored, already present, or of a batch that an earlier run stored.
        refused: results of refused lines, including those of an earlier run.
        bytes: size of the lines.
    """

    lines: int = 0
    stored: int = 0
    unchanged: int = 0
    skipped: int = 0
    refused: list[dict[str, Any]] = field(default_factory=list)
    bytes: int = 0


@dataclass(frozen=True, slots=True)
class Batch:
    """Parsed lines: the report so far, the idempotency key, and the numbers, memories and rows of the valid lines."""

    report: Report
    key: dict[str, Any]
    numbers: list[int]
    read: list[Imported]
    rows: list[Row]


def reader(
    organisation: UUID, name: str, given: GivenVectors | None, secrets: Secrets
) -> Callable[[tuple[int, tuple[int, list[bytes]]]], Batch]:
    """Return a parser for the batches of a stream, to be called in order; the first may begin with an export's header."""
    header: Header | None = None
    seen: set[bytes] = set()
    stream = hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()[:32]

    def read(numbered: tuple[int, tuple[int, list[bytes]]]) -> Batch:
        nonlocal header
        place, (first, lines) = numbered
        report = Report(lines=len(lines), bytes=sum(map(len, lines)))
        if place == 0:
            header = header_of(lines[0])
            if header is not None:
                lines[0] = b""
        key = {
            "organisation": organisation,
            "actor": f"{OPERATOR.kind}:{OPERATOR.id}",
            "key": f"{stream}\x1f{place}",
            "fingerprint": hashlib.sha256(b"".join(lines)).digest(),
        }
        numbers, memories = _read(first, lines, header, organisation, given, report, seen, secrets)
        rows = read_drafts(organisation, [each.draft for each in memories], secrets=secrets)
        return Batch(report, key, numbers, memories, rows)

    return read


def _read(
    first: int,
    lines: list[bytes],
    header: Header | None,
    organisation: UUID,
    given: GivenVectors | None,
    report: Report,
    seen: set[bytes],
    secrets: Secrets,
) -> tuple[list[int], list[Imported]]:
    """Return the numbers and memories of the valid lines."""
    numbers: list[int] = []
    memories: list[Imported] = []
    for number, line in enumerate(lines, start=first):
        if not line.strip():
            continue
        try:
            read = read_memory(line, header=header, organisation=organisation, given=given)
        except InvalidRequest as error:
            report.refused.append(shortened(refused_line(number, error, secrets)))
            continue
        if read.draft.past is not None:
            if read.draft.past.id.bytes in seen:
                report.refused.append(
                    {
                        "line": number,
                        "status": 409,
                        "error": {"detail": "An earlier line has the same id."},
                    }
                )
                continue
            seen.add(read.draft.past.id.bytes)
        numbers.append(number)
        memories.append(read)
    return numbers, memories


def shortened(result: dict[str, Any]) -> dict[str, Any]:
    """Truncate long values in a line's result, so that errors don't repeat megabytes."""
    for each in result.get("error", {}).get("errors", ()):
        text = str(each.get("input", ""))
        if len(text) > SHOWN:
            each["input"] = f"{text[:SHOWN]}…"
    return result
