"""Validation of dimensions and of coordinates on them. Pure.

Kinds and scales of dimensions are declared in `spaces/types.py`.
"""

from collections.abc import Mapping, Sequence
from math import isfinite

from spaces.errors import InvalidDimension
from spaces.geometry.scales import place_of
from spaces.types import MAX_DIMENSIONS, Dimension, Scale

LEAST_SPAN = 1e-100


def check_dimensions(dimensions: Sequence[Dimension]) -> None:
    """Check the dimensions of a space.

    Raises:
        InvalidDimension: none or too many, a duplicate name, or one that is invalid; `loc` names it.
    """
    if not 1 <= len(dimensions) <= MAX_DIMENSIONS:
        raise InvalidDimension(f"A space must have 1 to {MAX_DIMENSIONS} dimensions.", loc=("dimensions",))
    seen: set[str] = set()
    for place, each in enumerate(dimensions):
        if each.name.casefold() in seen:
            raise InvalidDimension(
                f"Duplicate dimension name {each.name!r}.", loc=("dimensions", place, "name")
            )
        seen.add(each.name.casefold())
        _check(place, each)


def read_coordinates(
    dimensions: Sequence[Dimension], coordinates: Mapping[str, float | str], field: str = "coordinates"
) -> dict[str, float]:
    """Return explicit coordinates as numbers in the dimensions' units; `field` is their name in the request.

    Raises:
        UnknownDimension: the space has none of this name.
        InvalidDimension: a value is outside the dimension's range, or not one of its levels.
    """
    given = {}
    for name, value in coordinates.items():
        loc = (field, name)
        each = dimensions[place_of(dimensions, name, loc)]
        number = as_coordinate(value, each)
        top = len(each.levels) - 1.0 if each.scale is Scale.ORDINAL else each.range[1]
        bottom = 0.0 if each.scale is Scale.ORDINAL else each.range[0]
        if number is None or not bottom <= number <= top:
            expected = (
                f"one of {', '.join(each.levels)}" if each.levels else f"a number from {bottom:g} to {top:g}"
            )
            raise InvalidDimension(f"A coordinate on {each.name!r} must be {expected}.", loc=loc)
        given[each.name] = number
    return given


def as_coordinate(value: float | str, dimension: Dimension) -> float | None:
    """Return a value as a number in the dimension's units, None if it is invalid."""
    if isinstance(value, str):
        levels = [level.casefold() for level in dimension.levels]
        return float(levels.index(value.strip().casefold())) if value.strip().casefold() in levels else None
    return float(value) if not isinstance(value, bool) and isfinite(value) else None


def _check(place: int, each: Dimension) -> None:
    def refuse(what: str, *field: str) -> InvalidDimension:
        return InvalidDimension(f"Dimension {each.name!r} {what}.", loc=("dimensions", place, *field))

    low = {text.strip().casefold() for text in each.low} | set(each.low_memories)
    high = {text.strip().casefold() for text in each.high} | set(each.high_memories)
    if bool(low) != bool(high):
        raise refuse("must have both poles or none", "high" if low else "low")
    if "" in low or "" in high:
        raise refuse("has an empty pole text", "low" if "" in low else "high")
    if low & high:
        raise refuse("has the same text or memory at both poles", "high")
    if each.examples and not low:
        raise refuse("has labelled examples, which require poles", "examples")
    lower, upper = each.range
    if not (isfinite(lower) and isfinite(upper) and lower < upper):
        raise refuse("must have a range of two finite numbers, the lower first", "range")
    if each.scale is Scale.LOG and lower <= 0:
        raise refuse("has a log scale, whose range must start above 0", "range")
    span = upper / lower if each.scale is Scale.LOG else upper - lower
    # floating point can't represent positions on other ranges
    if not LEAST_SPAN <= span <= 1 / LEAST_SPAN:
        raise refuse("has a range that is too narrow or too wide", "range")
    if any(not abs(example.value) <= 1 / LEAST_SPAN for example in each.examples):
        raise refuse("has a labelled example whose value is too large", "examples")
    if each.scale is Scale.ORDINAL and len(each.levels) < 2:
        raise refuse("has an ordinal scale, which requires at least two levels", "levels")
    if len({level.casefold() for level in each.levels}) != len(each.levels):
        raise refuse("has duplicate levels", "levels")
    if each.levels and each.scale is not Scale.ORDINAL:
        raise refuse("has levels, which require an ordinal scale", "levels")
    if not isfinite(each.weight) or each.weight < 0:
        raise refuse("must have a weight of at least 0", "weight")
