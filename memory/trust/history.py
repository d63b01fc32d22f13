"""A memory's history: its changes, newest first, with the fields before and after each."""

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
    """A change of a memory.

    Attributes:
        id: the cursor: the id of the version row that the change ended, or of the memory for its creation.
        version: the version it created.
        operation: the operation's name.
        actor_kind, actor_id, on_behalf_of: the actor.
        reason: as given by the actor.
        recorded_at: aware UTC; for an imported change its original time.
        written_at: when the row was inserted, by the database's clock; None for creations and for rows older than this column.
        before: the fields before it; None for a creation.
        after: the fields after it.
        decision: its record, shared by a batch; None for the creation of memories in batches before memories referred to it.
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
    """Return a memory's changes, newest first, ending with its creation.

    Args:
        organisation: the tenant.
        memory: its id.
        limit: page size.
        before: only changes older than the one with this id.

    Raises:
        MemoryNotFound: not in this organisation.
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
    """Return a version's fields."""
    return {name: getattr(version, name) for name in SHOWN} | {"content": version.given_content}


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
    """Return the record of a single store from before memories referred to theirs."""
    stored = DecisionRecord.objects.filter(
        organisation_id=row.organisation_id,
        subject_kind="memory",
        subject_id=str(row.id),
        operation="memory.store",
    ).first()
    return stored.id if stored else None
