"""What became of a memory, newest first: each change with what was before and after it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from accountability.models import DecisionRecord
from memory.models import Memory, MemoryVersion
from memory.queries import get_memory
from memory.types import FLAGGED

SHOWN = (
    "content", "metadata", "memory_type", "tags", "importance", "state", "valid_from", "valid_to", "expires_at",
    "superseded_by",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Change:
    """One change of a memory.

    Attributes:
        id: for the list's cursor; the version row that the change ended, or the memory itself for its beginning.
        version: the version it made.
        operation: what was done.
        actor_kind, actor_id, on_behalf_of: who did it.
        reason: why, as it was given.
        recorded_at: when, aware UTC; a change that an import brought keeps the time it had.
        written_at: when it was written here, by the database's clock; None for a beginning, and for changes of before that was kept.
        before: the fields as they were, None for the beginning.
        after: the fields as they became.
        decision: its record, which for a bulk store or an import is that of its batch; None for the beginning of a memory
            that was stored among many before memories named their record.
    """

    id: UUID
    version: int
    operation: str
    actor_kind: str
    actor_id: str
    on_behalf_of: str
    reason: str
    recorded_at: datetime
    written_at: datetime | None
    before: dict[str, Any] | None
    after: dict[str, Any]
    decision: UUID | None


def list_history(*, organisation: UUID, memory: UUID, limit: int, before: UUID | None = None) -> list[Change]:
    """Return a memory's changes, newest first, the last one being its beginning.

    Args:
        organisation: whose.
        memory: which.
        limit: at most so many.
        before: only changes older than the one of this id.

    Raises:
        MemoryNotFound: there is none in this organisation.
    """
    row = get_memory(organisation=organisation, memory=memory)
    ended = MemoryVersion.objects.filter(organisation_id=organisation, memory_id=memory).order_by("-version")
    after: Memory | MemoryVersion = row
    if before is not None:
        reached = ended.filter(id=before).first()
        if reached is None:
            return []
        ended, after = ended.filter(version__lt=reached.version), reached
    versions = list(ended[:limit])
    changes = []
    for version in versions:
        changes.append(_change(version, after))
        after = version
    if len(versions) < limit:
        changes.append(_beginning(row, after))
    return changes


def fields_of(version: Memory | MemoryVersion) -> dict[str, Any]:
    """Return what a version says."""
    return {name: getattr(version, name) for name in SHOWN}


def _change(ended: MemoryVersion, after: Memory | MemoryVersion) -> Change:
    return Change(
        id=ended.id,
        version=ended.version + 1,
        operation=ended.operation,
        actor_kind=ended.actor_kind,
        actor_id=ended.actor_id,
        on_behalf_of=ended.on_behalf_of,
        reason=ended.reason,
        recorded_at=ended.known_to,
        written_at=ended.written_at,
        before=fields_of(ended),
        after=fields_of(after),
        decision=ended.decision_id,
    )


def _beginning(row: Memory, first: Memory | MemoryVersion) -> Change:
    return Change(
        id=row.id,
        version=1,
        operation="memory.store",
        actor_kind=row.actor_kind,
        actor_id=row.actor_id,
        on_behalf_of=row.on_behalf_of,
        reason=FLAGGED.format(row.flagged_by) if row.flagged_by else "",
        recorded_at=row.recorded_at,
        written_at=None,
        before=None,
        after=fields_of(first),
        decision=row.stored_by or _recorded_alone(row),
    )


def _recorded_alone(row: Memory) -> UUID | None:
    """Return the record of a store from before memories named theirs, if it was stored alone."""
    stored = DecisionRecord.objects.filter(
        organisation_id=row.organisation_id,
        subject_kind="memory",
        subject_id=str(row.id),
        operation="memory.store",
    ).first()
    return stored.id if stored else None
