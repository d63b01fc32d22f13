"""What a search returns of the memories it chose."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any
from uuid import UUID

from liftos.kernel.db.binary import UuidArray
from liftos.kernel.db.transactions import raw_cursor
from liftos.kernel.precedence import giving_way
from memory.search.as_known import ask_versions, hits_as_known
from memory.search.snippet_budget import bytes_each, shorten
from memory.search.types import Hit, Key, Ranked, SearchRequest

Row = tuple[Any, ...]

# An earlier text is shown under its memory's id. No more is read than the answer has room for: one character more than bytes, to tell what was
# cut. Small metadata that is not compressed is not looked at for its size, which would cost a conversion.
COLUMNS = """m.id, coalesce(m.head, m.id), left(m.content, %(room)s + 1),
       CASE WHEN pg_column_compression(m.metadata) IS NULL AND pg_column_size(m.metadata) < 2048 THEN m.metadata
            WHEN octet_length(m.metadata::text) <= %(room)s THEN m.metadata END, m.memory_type, m.source, coalesce(h.external_id, m.external_id),
       m.tags, m.recorded_at, m.state, m.version, m.valid_from, m.valid_to, m.happened_at"""
HEADS = "LEFT JOIN memory_memory AS h ON h.organisation_id = m.organisation_id AND h.id = m.head"
_READ = f"""
SELECT {COLUMNS} FROM memory_memory AS m {HEADS} WHERE m.organisation_id = %(organisation)s AND m.id = ANY(%(ids)s)
"""  # noqa: S608  texts of our own


def ask_rows(organisation: UUID, ids: UuidArray, room: int) -> Callable[[], dict[Key, Row]]:
    """Ask for memories, for `room` bytes of each one's text; those that went away meanwhile are left out."""
    # in binary form a row takes three fifths of the time
    cursor = raw_cursor().execute(
        _READ, {"organisation": organisation, "ids": ids, "room": room}, binary=True
    )
    return lambda: {row[0].bytes: row[1:] for row in cursor.fetchall()}


def read_hits(
    organisation: UUID, chosen: Sequence[Sequence[Ranked]], request: SearchRequest
) -> list[list[Hit]]:
    """Return the memories of each ranking, all read at once; without what went away meanwhile."""
    memories = {entry.id for ranked in chosen for entry in ranked}
    room = bytes_each(request.copies * sum(map(len, chosen)) or len(memories))
    ids = UuidArray(memories)
    rows = ask_rows(organisation, ids, room)
    then = ask_versions(organisation, ids, request.known_at, room) if request.known_at else None
    known = rows()
    hits = [hits_of(ranked, known, room) for ranked in giving_way(chosen)]
    return hits if then is None else hits_as_known(hits, then(), room)


def hits_of(ranked: Iterable[Ranked], rows: dict[Key, Row], room: int) -> list[Hit]:
    """Return a ranking's memories, as they were read, each text of at most `room` bytes."""
    return [_hit(rows[entry.id], entry, room) for entry in ranked if entry.id in rows]


def _hit(row: Row, entry: Ranked, room: int) -> Hit:
    (
        memory, content, metadata, memory_type, source, external_id, tags, recorded_at, state, version, valid_from, valid_to,
        happened_at,
    ) = row  # fmt: skip
    shown = shorten(content, room)
    return Hit(
        id=memory,
        content=shown,
        metadata=metadata or {},
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
        truncated=metadata is None or len(shown) < len(content),
    )
