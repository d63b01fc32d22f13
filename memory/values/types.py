"""Values in use, and how they are asked for. No Django."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

SEPARATORS = "/:."
"""Where a value's parts end in a tree."""


class ValueOrder(StrEnum):
    """The order of values: the most used first, or by value."""

    COUNT = "count"
    VALUE = "value"


@dataclass(frozen=True, slots=True)
class Place:
    """The last value of a page."""

    count: int
    value: str


@dataclass(frozen=True, slots=True)
class Used:
    """A value in use.

    Attributes:
        key: the value as Postgres sorts it.
        value: text; of metadata also a number, a boolean or None.
        count: number of memories that have it, or in a tree one that begins with it.
        is_branch: in a tree, whether there are longer values that begin with it.
        children: in a tree, these by their next part, as far as asked for.
    """

    key: str
    value: Any
    count: int
    is_branch: bool = False
    children: list["Used"] = field(default_factory=list)
