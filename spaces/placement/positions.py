"""Reads and writes of positions, inside the caller's tenant transaction."""

from collections.abc import Sequence
from uuid import UUID

import numpy as np

from liftos.kernel.db.transactions import raw_cursor, read_column
from liftos.kernel.precedence import giving_way
from spaces.placement.placing import Placed
from spaces.placement.statements import (
    PAGE_OF_POSITIONS,
    PRESENT,
    READ_POSITIONS,
    REMOVE_FROM_SPACE,
    REMOVE_POSITIONS,
    SCOPE_MEMBERS,
    WRITE_POSITIONS,
)
from spaces.types import Array

_LAST = UUID(int=2**128 - 1)


def write_positions(*, organisation: UUID, layout: UUID, placed: Placed) -> None:
    """Insert or replace memories' positions in a layout."""
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
    raw_cursor().execute(WRITE_POSITIONS, values)


def scope_members(*, organisation: UUID, memories: Sequence[UUID]) -> None:
    """Give memories' memberships the scopes of the memories."""
    raw_cursor().execute(SCOPE_MEMBERS, {"organisation": organisation, "ids": list(memories)})


def remove_positions(*, organisation: UUID, memories: Sequence[UUID], space: UUID | None = None) -> int:
    """Delete memories' positions from a space, or from all; return the number of rows."""
    values = {"organisation": organisation, "ids": list(memories), "space": space}
    return raw_cursor().execute(REMOVE_FROM_SPACE if space else REMOVE_POSITIONS, values).rowcount


def present_in(*, organisation: UUID, layout: UUID, memories: Sequence[UUID]) -> set[UUID]:
    """Return those memories that have a position in a layout."""
    values = {"organisation": organisation, "layout": layout, "ids": list(memories)}
    return set(read_column(PRESENT, values))


def read_positions(*, organisation: UUID, layout: UUID, memories: Sequence[UUID]) -> Placed:
    """Return the positions of those memories that have one."""
    values = {"organisation": organisation, "layout": layout, "ids": list(memories)}
    return _placed(raw_cursor().execute(READ_POSITIONS, values).fetchall())


def page_positions(*, organisation: UUID, layout: UUID, before: UUID | None, limit: int) -> Placed:
    """Return a layout's positions, newest memories first."""
    values = {"organisation": organisation, "layout": layout, "before": before or _LAST, "limit": limit}
    return _placed(raw_cursor().execute(PAGE_OF_POSITIONS, values).fetchall())


def _placed(rows: Sequence[tuple[UUID, list[float], list[int], list[float]]]) -> Placed:
    def column(number: int, kind: type) -> Array:
        return np.asarray([row[number] for row in giving_way(rows)], kind).reshape(
            len(rows), -1 if rows else 0
        )

    return Placed([row[0] for row in rows], column(1, np.float64), column(2, np.int16), column(3, np.float64))
