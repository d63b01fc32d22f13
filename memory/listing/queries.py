"""Read pages of memories, inside the caller's tenant transaction: two statements each, and one to count them."""

from typing import Any
from uuid import UUID

from liftos.kernel.db.transactions import raw_cursor
from memory.listing.orders import NEWEST, NULLABLE, Order, Place
from memory.listing.statements import BOTH, COUNT, MATCHING, ORDERED, PAGE
from memory.models import Memory
from memory.queries import readable
from memory.search.as_known import as_known
from memory.search.filter_sql import where_row
from memory.search.types import SearchRequest

# earlier texts are in the order of the ids of their memories
_ID_THEN = "coalesce(m.head, m.id)"


def find_page(
    *,
    organisation: UUID,
    narrowed: SearchRequest,
    limit: int,
    order: Order = NEWEST,
    place: Place | None = None,
) -> list[Memory]:
    """Return the memories from a place on, nearest to it first, one more than the limit if there are more.

    A page backwards is thus in reverse.

    Args:
        organisation: the tenant.
        narrowed: what narrows the list; its query is ignored.
        limit: of the page.
        order: with `known_at` only NEWEST.
        place: where it begins; None for the beginning of the list.
    """
    tests, values = where_row(narrowed, "m")
    tests = f"m.organisation_id = %(organisation)s AND {tests}"
    values |= {"organisation": organisation, "limit": limit + 1}
    if place is not None:
        values |= {"place": place.id, "place_value": place.value}
    back = place is not None and place.back
    direction = "DESC" if order.descending is not back else "ASC"
    identifier = "m.id" if narrowed.known_at is None else _ID_THEN
    if not order.column:
        ordered = _by_id(tests, identifier, direction, place)
    elif order.column in NULLABLE:
        ordered = _by_nullable(tests, f"m.{order.column}", direction, place, back=back)
    else:
        ordered = _by_value(tests, f"m.{order.column}", direction, place)
    with raw_cursor() as cursor:
        ids = readable(cursor.execute(PAGE.format(ordered=ordered), values).fetchall())
    known = (
        Memory.objects.filter(organisation_id=organisation, id__in=ids).prefetch_related("links").in_bulk()
    )
    rows = [known[each] for each in ids if each in known]
    return as_known(organisation, rows, narrowed.known_at) if narrowed.known_at else rows


def count_memories(*, organisation: UUID, narrowed: SearchRequest) -> int:
    """Return the number of memories that a list has; reads all of them in the index or table."""
    tests, values = where_row(narrowed, "m")
    values["organisation"] = organisation
    statement = COUNT.format(where=f"m.organisation_id = %(organisation)s AND {tests}")
    with raw_cursor() as cursor:
        row: tuple[Any, ...] | None = cursor.execute(statement, values).fetchone()
    assert row is not None  # noqa: S101  an aggregate has one row
    return int(row[0])


def matching_ids(*, organisation: UUID, narrowed: SearchRequest) -> list[UUID]:
    """Return the ids of all memories that pass, newest first, in any trust state unless states are asked for."""
    tests, values = where_row(narrowed, "m", any_state=narrowed.states is None)
    values["organisation"] = organisation
    statement = MATCHING.format(where=f"m.organisation_id = %(organisation)s AND {tests}")
    with raw_cursor() as cursor:
        return [row[0] for row in cursor.execute(statement, values).fetchall()]


def _by_id(tests: str, identifier: str, direction: str, place: Place | None) -> str:
    if place is not None:
        tests += f" AND {identifier} {_beyond(direction)} %(place)s"
    return ORDERED.format(value="NULL", where=tests, order=f"{identifier} {direction}")


def _by_value(tests: str, column: str, direction: str, place: Place | None) -> str:
    if place is not None and place.value is not None:
        tests += f" AND ({column}, m.id) {_beyond(direction)} (%(place_value)s, %(place)s)"
    return ORDERED.format(value=column, where=tests, order=f"{column} {direction}, m.id {direction}")


def _by_nullable(tests: str, column: str, direction: str, place: Place | None, *, back: bool) -> str:
    """Return the statement of an order whose absent values come last."""
    among_absent = place is not None and place.value is None
    with_value = _by_value(f"{tests} AND {column} IS NOT NULL", column, direction, place)
    without = _by_id(f"{tests} AND {column} IS NULL", "m.id", direction, place if among_absent else None)
    if among_absent and not back:
        return without
    if back and not among_absent:
        return with_value
    return BOTH.format(
        present=with_value, absent=without, last="DESC" if back else "ASC", direction=direction
    )


def _beyond(direction: str) -> str:
    return "<" if direction == "DESC" else ">"
