"""What a search returns of the memories it chose."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any
from uuid import UUID

from liftos.binary import UuidArray
from liftos.db import raw_cursor
from memory.life.known import ask_versions, hits_as_known
from memory.search.types import Hit, Key, Ranked, SearchRequest

Row = tuple[Any, ...]

# an earlier text is shown under its memory's id
COLUMNS = """m.id, coalesce(m.head, m.id), m.content, m.metadata, m.memory_type, m.source, coalesce(h.external_id, m.external_id),
       m.tags, m.recorded_at, m.state, m.version, m.valid_from, m.valid_to, m.happened_at"""
HEADS = "LEFT JOIN memory_memory AS h ON h.organisation_id = m.organisation_id AND h.id = m.head"
_READ = f"""
SELECT {COLUMNS} FROM memory_memory AS m {HEADS} WHERE m.organisation_id = %s AND m.id = ANY(%s)
"""  # noqa: S608  texts of our own


def ask_rows(organisation: UUID, ids: UuidArray) -> Callable[[], dict[Key, Row]]:
    """Ask for memories; those that went away meanwhile are left out."""
    # in binary form a row takes three fifths of the time
    cursor = raw_cursor().execute(_READ, [organisation, ids], binary=True)
    return lambda: {row[0].bytes: row[1:] for row in cursor.fetchall()}


def read_hits(
    organisation: UUID, chosen: Sequence[Sequence[Ranked]], request: SearchRequest
) -> list[list[Hit]]:
    """Return the memories of each ranking, all read at once; without what went away meanwhile."""
    ids = UuidArray({entry.id for ranked in chosen for entry in ranked})
    rows = ask_rows(organisation, ids)
    then = ask_versions(organisation, ids, request.known_at) if request.known_at else None
    known = rows()
    hits = [hits_of(ranked, known) for ranked in chosen]
    return hits if then is None else hits_as_known(hits, then())


def hits_of(ranked: Iterable[Ranked], rows: dict[Key, Row]) -> list[Hit]:
    """Return a ranking's memories, as they were read."""
    return [_hit(rows[entry.id], entry) for entry in ranked if entry.id in rows]


def _hit(row: Row, entry: Ranked) -> Hit:
    (
        memory, content, metadata, memory_type, source, external_id, tags, recorded_at, state, version, valid_from, valid_to,
        happened_at,
    ) = row  # fmt: skip
    return Hit(
        id=memory,
        content=content,
        metadata=metadata,
        memory_type=memory_type,
        source=source,
        external_id=external_id,
        tags=tags,
        recorded_at=recorded_at,
        ranked=entry,
        state=state,
        version=version,
        valid_from=valid_from,
        valid_to=valid_to,
        happened_at=happened_at,
    )
