"""The rows of positions: written, removed and read, inside the caller's tenant transaction."""

from collections.abc import Sequence
from uuid import UUID

import numpy as np

from liftos.kernel.db.transactions import raw_cursor
from liftos.kernel.precedence import giving_way
from spaces.placement.placing import Placed
from spaces.types import Array

# in the order of ids, so that two writers wait for, not on, each other
_WRITE = """
INSERT INTO spaces_position (organisation_id, layout_id, memory_id, coordinates, sources, confidences)
SELECT %(organisation)s, %(layout)s, p.id, (%(values)s::float8[])[(p.n - 1) * %(size)s + 1 : p.n * %(size)s],
       (%(sources)s::smallint[])[(p.n - 1) * %(size)s + 1 : p.n * %(size)s],
       (%(confidences)s::float8[])[(p.n - 1) * %(size)s + 1 : p.n * %(size)s]
FROM unnest(%(ids)s::uuid[]) WITH ORDINALITY AS p(id, n) ORDER BY p.id
ON CONFLICT (organisation_id, layout_id, memory_id) DO UPDATE
SET coordinates = excluded.coordinates, sources = excluded.sources, confidences = excluded.confidences,
    written = pg_current_xact_id()
"""
_REMOVE = """
DELETE FROM spaces_position WHERE organisation_id = %(organisation)s AND memory_id = ANY(%(ids)s)
"""
_REMOVE_FROM = """
DELETE FROM spaces_position WHERE organisation_id = %(organisation)s AND memory_id = ANY(%(ids)s)
AND layout_id IN (SELECT id FROM spaces_layout WHERE organisation_id = %(organisation)s AND space_id = %(space)s)
"""
_PRESENT = """
SELECT memory_id FROM spaces_position
WHERE organisation_id = %(organisation)s AND layout_id = %(layout)s AND memory_id = ANY(%(ids)s)
"""
_READ = """
SELECT memory_id, coordinates, sources, confidences FROM spaces_position
WHERE organisation_id = %(organisation)s AND layout_id = %(layout)s AND memory_id = ANY(%(ids)s)
"""
_PAGE = """
SELECT memory_id, coordinates, sources, confidences FROM spaces_position
WHERE organisation_id = %(organisation)s AND layout_id = %(layout)s AND memory_id < %(before)s
ORDER BY memory_id DESC LIMIT %(limit)s
"""
_LAST = UUID(int=2**128 - 1)


def write_positions(*, organisation: UUID, layout: UUID, placed: Placed) -> None:
    """Write where memories stand in a layout, over what stood there."""
    if not placed.ids:
        return
    values = {
        "organisation": organisation,
        "layout": layout,
        "ids": list(placed.ids),
        "size": placed.values.shape[1],
        "values": placed.values.ravel().tolist(),
        "sources": placed.sources.ravel().tolist(),
        "confidences": placed.confidences.ravel().tolist(),
    }
    with raw_cursor() as cursor:
        cursor.execute(_WRITE, values)


def remove_positions(*, organisation: UUID, memories: Sequence[UUID], space: UUID | None = None) -> int:
    """Remove memories' positions from a space, or from all; return how many rows."""
    values = {"organisation": organisation, "ids": list(memories), "space": space}
    with raw_cursor() as cursor:
        return cursor.execute(_REMOVE_FROM if space else _REMOVE, values).rowcount


def present_in(*, organisation: UUID, layout: UUID, memories: Sequence[UUID]) -> set[UUID]:
    """Return those of some memories that stand in a layout."""
    values = {"organisation": organisation, "layout": layout, "ids": list(memories)}
    with raw_cursor() as cursor:
        return {row[0] for row in cursor.execute(_PRESENT, values).fetchall()}


def read_positions(*, organisation: UUID, layout: UUID, memories: Sequence[UUID]) -> Placed:
    """Return where those of some memories stand that have a position."""
    values = {"organisation": organisation, "layout": layout, "ids": list(memories)}
    with raw_cursor() as cursor:
        return _placed(cursor.execute(_READ, values).fetchall())


def page_positions(*, organisation: UUID, layout: UUID, before: UUID | None, limit: int) -> Placed:
    """Return positions of a layout, those of the newest memories first."""
    values = {"organisation": organisation, "layout": layout, "before": before or _LAST, "limit": limit}
    with raw_cursor() as cursor:
        return _placed(cursor.execute(_PAGE, values).fetchall())


def _placed(rows: Sequence[tuple[UUID, list[float], list[int], list[float]]]) -> Placed:
    def column(number: int, kind: type) -> Array:
        return np.asarray([row[number] for row in giving_way(rows)], kind).reshape(
            len(rows), -1 if rows else 0
        )

    return Placed([row[0] for row in rows], column(1, np.float64), column(2, np.int16), column(3, np.float64))
