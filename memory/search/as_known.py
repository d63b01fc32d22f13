"""Memories as they stood at an earlier time."""

import json
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from liftos.kernel.db.binary import UuidArray
from liftos.kernel.db.transactions import raw_cursor
from memory.models import Memory, MemoryVersion
from memory.search.snippet_budget import shorten
from memory.search.types import Hit

_SAID = (
    "content", "metadata", "memory_type", "tags", "importance", "state", "valid_from", "valid_to", "expires_at",
    "superseded_by", "version",
)  # fmt: skip
_THEN = """
SELECT DISTINCT v.memory_id, left(v.content, %(room)s + 1),
       CASE WHEN octet_length(v.metadata::text) <= %(room)s THEN v.metadata END, v.memory_type, v.tags, v.state, v.version, v.valid_from, v.valid_to
FROM memory_memory AS m JOIN memory_memoryversion AS v
ON v.organisation_id = m.organisation_id AND v.memory_id = coalesce(m.head, m.id)
WHERE m.organisation_id = %(organisation)s AND m.id = ANY(%(ids)s)
AND v.known_from <= %(known_at)s AND v.known_to > %(known_at)s
"""


def versions_at(
    organisation: UUID, memories: Iterable[UUID], known_at: datetime
) -> dict[UUID, MemoryVersion]:
    """Return the version of each memory that was the present one then, if it has ended since."""
    rows = MemoryVersion.objects.filter(
        organisation_id=organisation,
        memory_id__in=list(memories),
        known_from__lte=known_at,
        known_to__gt=known_at,
    )
    return {row.memory_id: row for row in rows}


def as_known(organisation: UUID, rows: Sequence[Memory], known_at: datetime) -> list[Memory]:
    """Return memories, or their earlier texts, as what they were then, under the memory's own id."""
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
            for name in _SAID:
                setattr(memory, name, getattr(version, name))
            memory.changed_at = version.known_from
        shown.append(memory)
    return shown


def ask_versions(
    organisation: UUID, ids: UuidArray, known_at: datetime, room: int
) -> Callable[[], dict[UUID, tuple[Any, ...]]]:
    """Ask for `room` bytes of what found memories, or earlier texts, said then, where that version has ended since: by the memory's id."""
    cursor = raw_cursor().execute(
        _THEN, {"organisation": organisation, "ids": ids, "known_at": known_at, "room": room}
    )
    return lambda: {row[0]: row[1:] for row in cursor.fetchall()}


def hits_as_known(
    hits: Sequence[Sequence[Hit]], then: dict[UUID, tuple[Any, ...]], room: int
) -> list[list[Hit]]:
    """Return found memories as what they said then; what they scored by is the same text."""
    return [[_as_known(hit, then.get(hit.id), room) for hit in some] for some in hits]


def _as_known(hit: Hit, then: tuple[Any, ...] | None, room: int) -> Hit:
    if then is None:
        return hit
    content, metadata, memory_type, tags, state, version, valid_from, valid_to = then
    shown = shorten(content, room)
    return hit._replace(
        content=shown,
        metadata={} if metadata is None else json.loads(metadata),
        truncated=metadata is None or len(shown) < len(content),
        memory_type=memory_type,
        tags=tags,
        state=state,
        version=version,
        valid_from=valid_from,
        valid_to=valid_to,
    )
