"""Conversion between a dimension's units and the unit scale 0..1, on which distances are measured. Pure NumPy."""

from collections.abc import Sequence
from math import isfinite
from typing import Any

import numpy as np

from liftos.kernel.suggestions import suggestion
from spaces.errors import UnknownDimension
from spaces.types import Array, Dimension, Scale


def to_unit(values: Array, dimension: Dimension) -> Array:
    """Return values on the unit scale, same shape; NaN stays NaN, values out of range are clipped, or wrapped if circular.

    Args:
        values: float64, in the dimension's units; on an ordinal scale, a level's index.
        dimension: which.
    """
    low, high = dimension.range
    values = np.asarray(values, np.float64)
    if dimension.scale is Scale.ORDINAL:
        return np.clip(values / max(1, len(dimension.levels) - 1), 0.0, 1.0)
    if dimension.scale is Scale.CIRCULAR:
        return ((values - low) / (high - low)) % 1.0
    if dimension.scale is Scale.LOG:
        with np.errstate(invalid="ignore", divide="ignore"):
            # 0 and below are at the low end
            return np.clip((np.log(np.maximum(values, 1e-300)) - np.log(low)) / np.log(high / low), 0.0, 1.0)
    return np.clip((values - low) / (high - low), 0.0, 1.0)


def from_unit(units: Array, dimension: Dimension) -> Array:
    """Return values in the dimension's units from the unit scale, same shape. See `to_unit`."""
    low, high = dimension.range
    units = np.asarray(units, np.float64)
    if dimension.scale is Scale.ORDINAL:
        return units * max(1, len(dimension.levels) - 1)
    if dimension.scale is Scale.LOG:
        return low * np.exp(units * np.log(high / low))
    return low + units * (high - low)


def place_of(dimensions: Sequence[Dimension], name: str, loc: tuple[str | int, ...] = ()) -> int:
    """Return a dimension's index by its name, case-insensitive.

    Raises:
        UnknownDimension: there is none of this name; carries `loc`.
    """
    folded = name.casefold()
    for number, each in enumerate(dimensions):
        if each.name.casefold() == folded:
            return number
    known = [each.name for each in dimensions]
    hint = suggestion(name, known, ".")
    raise UnknownDimension(f"The space has no dimension {name!r}; it has {', '.join(known)}{hint}", loc=loc)


def read_field(metadata: dict[str, Any], dimension: Dimension) -> float:
    """Return a metadata field's value in the dimension's units, NaN if it is missing or of another type.

    The field's name is a dotted path; keys that contain dots are found too. Strings are levels, on ordinal scales only.
    """
    return as_value(_look_up(metadata, dimension.field), dimension)


def as_value(found: Any, dimension: Dimension) -> float:
    """Return a JSON value in the dimension's units, NaN if it is invalid. See `read_field`."""
    if dimension.scale is Scale.ORDINAL and isinstance(found, str):
        names = [level.casefold() for level in dimension.levels]
        wanted = found.strip().casefold()
        return float(names.index(wanted)) if wanted in names else float("nan")
    if isinstance(found, bool) or not isinstance(found, int | float):
        return float("nan")
    try:
        value = float(found)
    except OverflowError:
        return float("nan")
    return value if isfinite(value) else float("nan")


def _look_up(value: Any, path: str) -> Any:
    if not isinstance(value, dict):
        return None
    if path in value:
        return value[path]
    first, dot, rest = path.partition(".")
    while dot:
        if first in value and (found := _look_up(value[first], rest)) is not None:
            return found
        more, dot, rest = rest.partition(".")
        first = f"{first}.{more}"
    return None
