"""Reading memories in, a batch in a transaction. Run again after it was broken off, it goes on where it was.

Each batch leaves a key in its own transaction (`liftos.idempotency`), so a batch is stored or it is not, and is stored once. A line that
brings its id can be imported again at any time: it is there already.
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import transaction

from liftos.api.parsing import InvalidRequest
from liftos.db import raw_cursor, tenant_transaction
from liftos.embedding.types import ModelInfo
from liftos.idempotency.once import keep, recall
from liftos.tenancy.types import Actor, ActorKind
from memory.life import tombstones
from memory.life.keys import value_keys
from memory.life.versions import database_now
from memory.operations import store
from memory.portability.format import Header, Imported, header_of, read_memory
from memory.portability.lines import line_result, refused_line
from memory.types import Outcome, Stored, TrustState

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
    header: Header | None = None
    superseded: list[tuple[UUID, UUID]] = []
    for place, (first, batch) in enumerate(_batches(lines)):
        report = Report(lines=len(batch), bytes=sum(map(len, batch)))
        if place == 0:
            header = header_of(batch[0])
            if header is not None:
                batch[0] = b""
        key = {
            "organisation": organisation,
            "actor": f"{OPERATOR.kind}:{OPERATOR.id}",
            "key": f"{hashlib.sha256(name.encode('utf-8', 'surrogateescape')).hexdigest()[:32]}\x1f{place}",
            "fingerprint": hashlib.sha256(b"".join(batch)).digest(),
        }
        numbered = _read(first, batch, header, organisation, model, report)
        superseded += [
            (each.draft.past.id, each.superseded_by)
            for _, each in numbered
            if each.draft.past is not None and each.superseded_by is not None
        ]
        _store(organisation, numbered, key, report, dry_run=dry_run, again=again)
        yield report
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


def _read(
    first: int,
    batch: list[bytes],
    header: Header | None,
    organisation: UUID,
    model: ModelInfo | None,
    report: Report,
) -> list[tuple[int, Imported]]:
    numbered: list[tuple[int, Imported]] = []
    seen: set[UUID] = set()
    for number, line in enumerate(batch, start=first):
        if not line.strip():
            continue
        try:
            read = read_memory(line, header=header, organisation=organisation, model=model)
        except InvalidRequest as error:
            report.refused.append(refused_line(number, error))
            continue
        if read.draft.past is not None and read.draft.past.id in seen:
            report.refused.append(
                {"line": number, "status": 409, "error": {"detail": "The id stands twice."}}
            )
            continue
        if read.draft.past is not None:
            seen.add(read.draft.past.id)
        numbered.append((number, read))
    return numbered


def _store(
    organisation: UUID,
    numbered: list[tuple[int, Imported]],
    key: dict[str, Any],
    report: Report,
    *,
    dry_run: bool,
    again: bool,
) -> None:
    drafts = [read.draft for _, read in numbered]
    with tenant_transaction(organisation):
        undo = transaction.savepoint()
        if not again and not dry_run and recall(key) is not None:
            report.skipped, report.refused = len(numbered), []
            return
        stored = store(organisation, OPERATOR, drafts, operation="memory.import") if drafts else []
        _bury(organisation, numbered, stored)
        if dry_run:
            transaction.savepoint_rollback(undo)
        elif recall(key) is None:
            keep(key, status=200, body={"stored": len(stored)})
    for (number, read), each in zip(numbered, stored, strict=True):
        rejected_there = read.draft.past is not None and read.draft.past.state is TrustState.REJECTED
        if each.outcome is Outcome.STORED:
            report.stored += 1
        elif each.outcome is Outcome.UNCHANGED or (rejected_there and each.outcome is Outcome.REJECTED):
            report.unchanged += 1
        else:
            report.refused.append(line_result(number, read.draft, each))


def _bury(organisation: UUID, numbered: list[tuple[int, Imported]], stored: list[Stored]) -> None:
    """Reject here what was rejected where it comes from."""
    for (_, read), each in zip(numbered, stored, strict=True):
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
