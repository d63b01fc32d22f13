"""Reading memories in, a batch in a transaction. Run again after it was broken off, it goes on where it was.

Each batch leaves a key in its own transaction (`liftos.idempotency`), so a batch is stored or it is not, and is stored once. A line that
brings its id can be imported again at any time: it is there already.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import transaction

from liftos.ahead import Ahead
from liftos.api.parsing import InvalidRequest
from liftos.db import raw_cursor, tenant_transaction
from liftos.embedding.types import ModelInfo
from liftos.idempotency.once import keep, recall
from liftos.tenancy.types import Actor, ActorKind
from memory.life import tombstones
from memory.life.keys import value_keys
from memory.life.versions import database_now
from memory.operations import read_drafts, store_rows
from memory.portability.format import Header, Imported, header_of, read_memory
from memory.portability.lines import line_result, refused_line
from memory.types import Outcome, Stored, TrustState
from memory.writes import Row

BATCH = 500
OPERATOR = Actor(ActorKind.SYSTEM, "import_memories")

_SUCCESSORS = """
UPDATE memory_memory AS m SET superseded_by = s.successor
FROM unnest(%(memories)s::uuid[], %(successors)s::uuid[]) AS s(memory, successor)
WHERE m.organisation_id = %(organisation)s AND m.id = s.memory AND m.superseded_by IS NULL
  AND EXISTS (SELECT 1 FROM memory_memory AS n WHERE n.organisation_id = %(organisation)s AND n.id = s.successor)
"""


@dataclass(slots=True)
class Report:
    """What became of a batch.

    Attributes:
        lines: how many lines it has, blank ones included.
        stored, unchanged, skipped: memories that went in, were there, or belong to a batch of an earlier run.
        refused: results of the lines that were not taken.
        bytes: of the lines.
    """

    lines: int = 0
    stored: int = 0
    unchanged: int = 0
    skipped: int = 0
    refused: list[dict[str, Any]] = field(default_factory=list)
    bytes: int = 0


@dataclass(frozen=True, slots=True)
class _Batch:
    """Lines, read: the report so far, the key it leaves, and of each line that can be stored its number and what it says."""

    report: Report
    key: dict[str, Any]
    numbers: list[int]
    read: list[Imported]
    rows: list[Row]


def import_lines(
    *,
    organisation: UUID,
    lines: Iterable[bytes],
    name: str,
    model: ModelInfo | None,
    dry_run: bool = False,
    again: bool = False,
) -> Iterator[Report]:
    """Store a stream of lines; yield what became of each batch.

    Args:
        organisation: whose they become.
        lines: NDJSON, with or without an export's first line.
        name: of the stream, by which a run that was broken off is known again.
        model: the active one.
        dry_run: do everything and undo it.
        again: also batches that an earlier run has stored.
    """
    superseded: list[tuple[UUID, UUID]] = []
    batches = Ahead(_reader(organisation, name, model), enumerate(_batches(lines)))
    for batch in batches:
        superseded += [
            (row.id, read.superseded_by)
            for row, read in zip(batch.rows, batch.read, strict=True)
            if read.draft.past is not None and read.superseded_by is not None
        ]
        _store(organisation, batch, batches.make_next, dry_run=dry_run, again=again)
        yield batch.report
    if superseded and not dry_run:
        memories, successors = zip(*superseded, strict=True)
        values = {"organisation": organisation, "memories": list(memories), "successors": list(successors)}
        with tenant_transaction(organisation), raw_cursor() as cursor:
            cursor.execute(_SUCCESSORS, values)


def _batches(lines: Iterable[bytes]) -> Iterator[tuple[int, list[bytes]]]:
    first, batch = 1, []
    for number, line in enumerate(lines, start=1):
        batch.append(line)
        if len(batch) == BATCH:
            yield first, batch
            first, batch = number + 1, []
    if batch:
        yield first, batch


def _reader(
    organisation: UUID, name: str, model: ModelInfo | None
) -> Callable[[tuple[int, tuple[int, list[bytes]]]], _Batch]:
    """Return what reads the batches of a stream, in their order; the first may begin with an export's header."""
    header: Header | None = None
    stream = hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()[:32]

    def read(numbered: tuple[int, tuple[int, list[bytes]]]) -> _Batch:
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
        numbers, memories = _read(first, lines, header, organisation, model, report)
        rows = read_drafts(organisation, [each.draft for each in memories])
        return _Batch(report, key, numbers, memories, rows)

    return read


def _read(
    first: int,
    lines: list[bytes],
    header: Header | None,
    organisation: UUID,
    model: ModelInfo | None,
    report: Report,
) -> tuple[list[int], list[Imported]]:
    """Return the numbers of the lines that can be read, and what they say."""
    numbers: list[int] = []
    memories: list[Imported] = []
    seen: set[UUID] = set()
    for number, line in enumerate(lines, start=first):
        if not line.strip():
            continue
        try:
            read = read_memory(line, header=header, organisation=organisation, model=model)
        except InvalidRequest as error:
            report.refused.append(refused_line(number, error))
            continue
        if read.draft.past is not None:
            if read.draft.past.id in seen:
                report.refused.append(
                    {"line": number, "status": 409, "error": {"detail": "The id stands twice."}}
                )
                continue
            seen.add(read.draft.past.id)
        numbers.append(number)
        memories.append(read)
    return numbers, memories


def _store(
    organisation: UUID, batch: _Batch, meanwhile: Callable[[], None], *, dry_run: bool, again: bool
) -> None:
    report, key = batch.report, batch.key
    with tenant_transaction(organisation):
        undo = transaction.savepoint()
        if not again and not dry_run and recall(key) is not None:
            report.skipped, report.refused = len(batch.rows), []
            return
        stored = (
            store_rows(organisation, OPERATOR, batch.rows, operation="memory.import", meanwhile=meanwhile)
            if batch.rows
            else []
        )
        _bury(organisation, batch.read, stored)
        if dry_run:
            transaction.savepoint_rollback(undo)
        elif recall(key) is None:
            keep(key, status=200, body={"stored": len(stored)})
    for number, read, each in zip(batch.numbers, batch.read, stored, strict=True):
        rejected_there = read.draft.past is not None and read.draft.past.state is TrustState.REJECTED
        if each.outcome is Outcome.STORED:
            report.stored += 1
        elif each.outcome is Outcome.UNCHANGED or (rejected_there and each.outcome is Outcome.REJECTED):
            report.unchanged += 1
        else:
            report.refused.append(line_result(number, read.draft, each))


def _bury(organisation: UUID, memories: list[Imported], stored: list[Stored]) -> None:
    """Reject here what was rejected where it comes from."""
    for read, each in zip(memories, stored, strict=True):
        past = read.draft.past
        if each.outcome is not Outcome.STORED or past is None or past.state is not TrustState.REJECTED:
            continue
        keys = value_keys(organisation, read.draft.content)
        if keys and each.decision is not None:
            tombstones.bury(
                organisation=organisation,
                keys=keys,
                memory=each.id,
                decision=each.decision,
                at=database_now(),
            )
