"""The orders of a list of memories, and the places in it where pages begin. Pure."""

import base64
import binascii
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

from liftos.kernel.http.parsing import InvalidRequest, item
from memory.search.filter_types import TIMES

COLUMNS = (*TIMES, "importance")
NULLABLE = frozenset({"valid_from", "valid_to", "expires_at"})
"""Columns whose absent values come last, in both directions."""


class Order(NamedTuple):
    """An order; ties are in the order of ids, in the same direction.

    Attributes:
        column: one of COLUMNS; empty for ids, which ascend with the time of the store.
        descending: whether the greatest comes first.
    """

    column: str = ""
    descending: bool = True

    def __str__(self) -> str:
        return f"{'-' if self.descending else ''}{self.column}"


NEWEST = Order()


def order_of(name: str) -> Order:
    """Return an order by its name, a column, with `-` before it if descending; newest first if empty."""
    return Order(name.removeprefix("-"), name.startswith("-")) if name else NEWEST


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a list: a memory's, whether or not it still exists.

    Attributes:
        id: the memory.
        value: of the order's column; None if absent.
        back: whether the page is the one that ends before it, rather than begins after it.
    """

    id: UUID
    value: datetime | float | None = None
    back: bool = False


def encode_place(order: Order, place: Place) -> str:
    """Return the cursor of a page."""
    value = place.value.isoformat() if isinstance(place.value, datetime) else place.value
    text = json.dumps([str(order), value, place.id.hex, place.back], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode_place(cursor: str, order: Order, *, loc: tuple[str, ...]) -> Place | None:
    """Return the place in a cursor, or None for an empty one. The sixteen bytes of an id are the place of that memory.

    Raises:
        InvalidRequest: it is not a cursor, or it is of a list in another order.
    """
    if not cursor:
        return None
    try:
        packed = base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True)
        if len(packed) == 16 and not order.column:
            return Place(UUID(bytes=packed))
        name, value, memory, back = json.loads(packed)
        found = name, Place(UUID(memory), _value(order, value), back is True)
    except (binascii.Error, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise InvalidRequest([item("cursor", loc, "Not a cursor of this list", cursor[:100])]) from error
    if found[0] != str(order):
        raise InvalidRequest([item("cursor", loc, "A cursor of a list in another order", cursor[:100])])
    return found[1]


def _value(order: Order, value: Any) -> datetime | float | None:
    if not order.column:
        return None
    if value is None and order.column in NULLABLE:
        return None
    if order.column not in TIMES:
        return float(value)
    return datetime.fromisoformat(value).astimezone(UTC)
