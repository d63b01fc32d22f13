"""Find the ids of a page, by the cheapest of three plans, in at most nine statements.

1. From the rarest condition: where one holds for at most RARE memories, these are read and sorted.
2. Along the order's index: each of the first WALK memories is tested until the page is full. A condition that holds for four in a hundred
   fills it.
3. From the conditions' indexes, as the planner sees fit, then sorted. This is the slowest: it is left to conditions that are frequent,
   but not among the first.

Organisations of at most WALK memories need none of this. Measured by `manage.py bench lists` (docs/performance.md).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from liftos.kernel.db.transactions import raw_cursor
from memory.index.collection_statistics import approximate_documents
from memory.listing.orders import NULLABLE, Order, Place
from memory.listing.statements import BEYOND, FENCE, SIZE_OF_SET, SIZES_OF_SETS, SORTED, WALKED
from memory.search.attribute_sql import selective_sets, textual_sets
from memory.search.filter_sql import where_row
from memory.search.narrowing_sql import narrowing_sets
from memory.search.types import SearchRequest

RARE = 2_000
WALK = 3_000
SHORT_WALK = 1_000
"""Where a text is searched for a part, which costs more for each memory, but all of them can be read from the index."""
COUNTED_SETS = 8
"""Conditions that are counted, to find a rare one."""

# earlier texts are in the order of the ids of their memories
_ID_THEN = "coalesce(m.head, m.id)"


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of a list that is in one order: all of it, or those with the order's value, or those without.

    Attributes:
        within: SQL condition of its rows from the page's place on.
        value: SQL of what it is ordered by before ids; empty for ids.
        direction: ASC or DESC.
    """

    within: str
    value: str
    direction: str

    @property
    def order(self) -> str:
        by_value = f"{self.value} {self.direction}, " if self.value else ""
        return f"{by_value}m.id {self.direction}"


def find_ids(
    *, organisation: UUID, narrowed: SearchRequest, limit: int, order: Order, place: Place | None
) -> list[UUID]:
    """Return at most `limit` ids of the memories from a place on, nearest to it first."""
    parts = _parts(narrowed, order, place)
    values: dict[str, Any] = {"organisation": organisation}
    if place is not None:
        values |= {"place": place.id, "place_value": place.value}
    if narrowed.known_at is not None or approximate_documents(organisation) <= WALK:
        tests, own = where_row(narrowed, "m")
        return _sorted(parts, tests, values | own, limit, fence="")
    few = _rarest(organisation, narrowed)
    found = None
    if few is None:
        scanned = textual_sets(narrowed.conditions, dict(values))
        found = _walked(parts, narrowed, values, limit, SHORT_WALK if scanned else WALK)
        if found is None and scanned:
            few = _few_of_texts(organisation, narrowed)
    if few is not None:
        tests, own = where_row(narrowed, "m", one_by_one=True)
        found = _sorted(parts, f"m.id = ANY(%(few)s) AND {tests}", values | own | {"few": few}, limit)
    if found is None:
        tests, own = where_row(narrowed, "m")
        found = _sorted(parts, tests, values | own, limit)
    return found


def _parts(narrowed: SearchRequest, order: Order, place: Place | None) -> list[_Part]:
    """Return the parts of a list in which the page may lie, in order."""
    back = place is not None and place.back
    direction = "DESC" if order.descending is not back else "ASC"
    sign = "<" if direction == "DESC" else ">"
    mine = "m.organisation_id = %(organisation)s"
    if not order.column:
        value = "" if narrowed.known_at is None else _ID_THEN
        begins = "" if place is None else f" AND {value or 'm.id'} {sign} %(place)s"
        return [_Part(mine + begins, value, direction)]
    column = f"m.{order.column}"
    begins = f" AND ({column}, m.id) {sign} (%(place_value)s, %(place)s)"
    among_absent = place is not None and place.value is None
    if order.column not in NULLABLE:
        return [_Part(mine + ("" if place is None else begins), column, direction)]
    # absent values come last
    present = _Part(
        f"{mine} AND {column} IS NOT NULL" + ("" if place is None or among_absent else begins),
        column,
        direction,
    )
    absent = _Part(
        f"{mine} AND {column} IS NULL" + (f" AND m.id {sign} %(place)s" if among_absent else ""),
        "",
        direction,
    )
    if among_absent:
        return [absent, present] if back else [absent]
    return [present] if back else [present, absent]


def _sorted(
    parts: Sequence[_Part], tests: str, values: dict[str, Any], limit: int, fence: str = FENCE
) -> list[UUID]:
    found: list[UUID] = []
    for part in parts:
        statement = SORTED.format(
            value=part.value or "NULL",
            where=f"{part.within} AND {tests}",
            fence=fence,
            by_value=f"o.value {part.direction}, " if part.value else "",
            direction=part.direction,
        )
        found += _read(statement, values | {"limit": limit - len(found)})
        if len(found) == limit:
            break
    return found


def _walked(
    parts: Sequence[_Part], narrowed: SearchRequest, values: dict[str, Any], limit: int, walk: int
) -> list[UUID] | None:
    """Return the ids found along the order's index; None if it would have to be followed farther."""
    tests, own = where_row(narrowed, "m", one_by_one=True)
    values = values | own
    found: list[UUID] = []
    for part in parts:
        names = {"within": part.within, "order": part.order, "walk": walk}
        found += _read(WALKED.format(where=tests, **names), values | {"limit": limit - len(found)})
        if len(found) == limit:
            break
        [beyond] = _read(BEYOND.format(**names), values)
        if beyond:
            return None
    return found


def _rarest(organisation: UUID, narrowed: SearchRequest) -> list[UUID] | None:
    """Return the ids that pass the rarest condition; None if none is rare."""
    values: dict[str, Any] = {"organisation": organisation}
    sets = [*narrowing_sets(narrowed.narrowing, values), *selective_sets(narrowed.conditions, values)]
    sets = sets[:COUNTED_SETS]
    if not sets:
        return None
    counts = ", ".join(SIZE_OF_SET.format(rows=each, most=RARE + 1) for each in sets)
    [sizes] = raw_cursor().execute(SIZES_OF_SETS.format(counts=counts), values, prepare=False).fetchall()
    size, rows = min(zip(sizes, sets, strict=True))
    return _read(rows, values) if size <= RARE else None


def _few_of_texts(organisation: UUID, narrowed: SearchRequest) -> list[UUID] | None:
    """Return the ids that pass the first condition on a part of a metadata text; None if they are many."""
    values: dict[str, Any] = {"organisation": organisation}
    rows = textual_sets(narrowed.conditions, values)[0]
    found = _read(f"{rows} LIMIT {RARE + 1}", values)
    return found if len(found) <= RARE else None


def _read(statement: str, values: dict[str, Any]) -> list[Any]:
    # not prepared: a plan for any value would not see that one is rare
    return [row[0] for row in raw_cursor().execute(statement, values, prepare=False).fetchall()]
