"""Read pages of memories and count them, inside the caller's tenant transaction."""

from typing import Any
from uuid import UUID

from liftos.kernel.db.transactions import raw_cursor
from memory.listing.orders import NEWEST, Order, Place
from memory.listing.plans import find_ids
from memory.listing.statements import COUNT, MATCHING, SIZES
from memory.models import Memory
from memory.queries import readable
from memory.search.as_known import as_known
from memory.search.filter_sql import where_row
from memory.search.types import SearchRequest


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
    found = find_ids(organisation=organisation, narrowed=narrowed, limit=limit + 1, order=order, place=place)
    with raw_cursor() as cursor:
        sizes: dict[UUID, int] = dict(
            cursor.execute(SIZES, {"organisation": organisation, "ids": found}).fetchall()
        )
    ids = readable([(each, sizes[each]) for each in found if each in sizes])
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
