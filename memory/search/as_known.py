"""Memories as known at an earlier time."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from memory.models import Memory, MemoryVersion

_VERSIONED = (
    "content", "is_object", "metadata", "memory_type", "tags", "importance", "state", "valid_from", "valid_to", "expires_at",
    "superseded_by", "version",
)  # fmt: skip


def versions_at(
    organisation: UUID, memories: Iterable[UUID], known_at: datetime
) -> dict[UUID, MemoryVersion]:
    """Return the version of each memory that was current at a time, unless it still is."""
    rows = MemoryVersion.objects.filter(
        organisation_id=organisation,
        memory_id__in=list(memories),
        known_from__lte=known_at,
        known_to__gt=known_at,
    )
    return {row.memory_id: row for row in rows}


def as_known(organisation: UUID, rows: Sequence[Memory], known_at: datetime) -> list[Memory]:
    """Return memories, or those that earlier texts belong to, with the values of the version current at a time."""
    ids = [row.head or row.id for row in rows]
    heads = (
        Memory.objects.filter(organisation_id=organisation, id__in=ids).prefetch_related("links").in_bulk()
    )
    then = versions_at(organisation, ids, known_at)
    shown = []
    for each in ids:
        memory = heads[each]
        version = then.get(each)
        if version is not None:
            for name in _VERSIONED:
                setattr(memory, name, getattr(version, name))
            memory.changed_at = version.known_from
        shown.append(memory)
    return shown
