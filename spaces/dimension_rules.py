"""What can be wrong with dimensions and with coordinates on them. Pure."""

from collections.abc import Mapping, Sequence
from math import isfinite

from spaces.errors import InvalidDimension
from spaces.geometry.scales import place_of
from spaces.types import MAX_DIMENSIONS, Dimension, Scale

LEAST_SPAN = 1e-100


def check_dimensions(dimensions: Sequence[Dimension]) -> None:
    """Refuse dimensions that can't be used, naming the one at fault.

    Raises:
        InvalidDimension: none or too many; a name twice; a pole without the other or the same; a scale without its ends.
    """
    if not 1 <= len(dimensions) <= MAX_DIMENSIONS:
        raise InvalidDimension(f"A space has 1 to {MAX_DIMENSIONS} dimensions.", loc=("dimensions",))
    seen: set[str] = set()
    for place, each in enumerate(dimensions):
        if each.name.casefold() in seen:
            raise InvalidDimension(
                f"There are two dimensions called {each.name!r}.", loc=("dimensions", place, "name")
            )
        seen.add(each.name.casefold())
        _check(place, each)


def read_coordinates(
    dimensions: Sequence[Dimension], coordinates: Mapping[str, float | str], field: str = "coordinates"
) -> dict[str, float]:
    """Return explicit coordinates as numbers in the dimensions' units; `field` is what the caller calls them.

    Raises:
        UnknownDimension: the space has none of this name.
        InvalidDimension: the value is outside of the dimension's range, or no level of it.
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
            raise InvalidDimension(f"A coordinate on {each.name!r} is {expected}.", loc=loc)
        given[each.name] = number
    return given


def as_coordinate(value: float | str, dimension: Dimension) -> float | None:
    """Return a value as a number in the dimension's units; None for what is none."""
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
        raise refuse("has one pole: a dimension has both, or none", "high" if low else "low")
    if "" in low or "" in high:
        raise refuse("has an empty pole text", "low" if "" in low else "high")
    if low & high:
        raise refuse("has the same at both poles", "high")
    if each.examples and not low:
        raise refuse("has labelled examples, but no poles that say which way it goes", "examples")
    lower, upper = each.range
    if not (isfinite(lower) and isfinite(upper) and lower < upper):
        raise refuse("needs a range that rises, of two finite numbers", "range")
    if each.scale is Scale.LOG and lower <= 0:
        raise refuse("has a logarithmic scale, whose range begins above 0", "range")
    span = upper / lower if each.scale is Scale.LOG else upper - lower
    # beyond, a place on the range is no number any more
    if not LEAST_SPAN <= span <= 1 / LEAST_SPAN:
        raise refuse("has a range too narrow or too wide to reckon with", "range")
    if any(not abs(example.value) <= 1 / LEAST_SPAN for example in each.examples):
        raise refuse("has a labelled example whose value is too large to reckon with", "examples")
    if each.scale is Scale.ORDINAL and len(each.levels) < 2:
        raise refuse("has an ordinal scale, which needs two levels or more", "levels")
    if len({level.casefold() for level in each.levels}) != len(each.levels):
        raise refuse("has two levels of one name", "levels")
    if each.levels and each.scale is not Scale.ORDINAL:
        raise refuse("has levels, which belong to an ordinal scale", "levels")
    if not isfinite(each.weight) or each.weight < 0:
        raise refuse("needs a weight of at least 0", "weight")
