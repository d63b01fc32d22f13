"""Reads of proposals, inside the caller's tenant transaction."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from memory.care_types import Kind, ProposalState
from memory.models import Memory
from memory.models.care import Proposal

SHOWN = 500
"""Characters of a memory's text that are shown."""


@dataclass(frozen=True, slots=True)
class Side:
    """A memory of a proposal as it is now, its text cut to SHOWN characters."""

    id: UUID
    content: str
    state: str
    version: int
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class Proposed:
    """A proposal with its memories."""

    id: UUID
    kind: str
    action: str
    state: str
    confidence: float
    reason: str
    memory: Side
    other: Side | None
    recorded_at: datetime
    settled_at: datetime | None
    settled_by: UUID | None


def list_proposals(
    *,
    organisation: UUID,
    limit: int,
    kind: Kind | None = None,
    state: ProposalState | None = ProposalState.OPEN,
    memory: UUID | None = None,
    before: UUID | None = None,
) -> list[Proposed]:
    """Return proposals, newest first.

    Args:
        organisation: whose.
        limit: maximum number.
        kind: only of this kind.
        state: only in this state, None for all.
        memory: only about this memory.
        before: only proposals older than this one.
    """
    rows = Proposal.objects.filter(organisation_id=organisation)
    if kind is not None:
        rows = rows.filter(kind=kind.value)
    if state is not None:
        rows = rows.filter(state=state.value)
    if memory is not None:
        rows = rows.filter(memory_id=memory) | rows.filter(other_id=memory)
    if before is not None:
        rows = rows.filter(id__lt=before)
    return with_memories(organisation, rows.order_by("-id")[:limit])


def with_memories(organisation: UUID, rows: Iterable[Proposal]) -> list[Proposed]:
    """Return proposals with their memories; those whose memories the viewer no longer sees are left out."""
    chosen = list(rows)
    wanted = {ident for row in chosen for ident in (row.memory_id, row.other_id)}
    found = Memory.objects.filter(organisation_id=organisation, id__in=wanted)
    sides = {
        each.id: Side(each.id, each.content[:SHOWN], each.state, each.version, each.recorded_at)
        for each in found
    }
    return [
        Proposed(
            id=row.id,
            kind=row.kind,
            action=Kind(row.kind).action,
            state=row.state,
            confidence=row.confidence,
            reason=row.reason,
            memory=sides[row.memory_id],
            other=sides[row.other_id] if row.other_id != row.memory_id else None,
            recorded_at=row.recorded_at,
            settled_at=row.settled_at,
            settled_by=row.settled_by,
        )
        for row in chosen
        if row.memory_id in sides and row.other_id in sides
    ]
