"""Dimensions as rows of `SpaceDimension`, and back."""

from typing import Any
from uuid import UUID

from spaces.models import SpaceDimension
from spaces.types import Dimension, Example, Scale

_SAME = ("name", "description", "unit", "field", "scale", "weight", "domain")
_LISTS = ("low", "high", "low_memories", "high_memories", "levels")


def as_row(dimension: Dimension) -> dict[str, Any]:
    """Return a dimension's columns."""
    row = {name: getattr(dimension, name) for name in _SAME}
    row |= {name: list(getattr(dimension, name)) for name in _LISTS}
    row["examples"] = [each.as_json() for each in dimension.examples]
    row["range_low"], row["range_high"] = dimension.range
    return row


def as_dimension(row: SpaceDimension) -> Dimension:
    """Return the dimension in a row."""
    values = {name: getattr(row, name) for name in _SAME}
    values |= {name: tuple(getattr(row, name)) for name in _LISTS}
    values["examples"] = tuple(_example(each) for each in row.examples)
    values |= {"scale": Scale(row.scale), "range": (row.range_low, row.range_high)}
    return Dimension(**values)


def _example(written: dict[str, Any]) -> Example:
    memory = UUID(written["memory_id"]) if "memory_id" in written else None
    return Example(written["value"], written.get("text", ""), memory)
