"""Where memories stand: an explicit value beats a metadata field, a field beats projection, and unknown stays unknown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import numpy as np

from memory.index.bulk_reads import Contents
from spaces.geometry.projection import Axis
from spaces.geometry.scales import from_unit, read_field
from spaces.types import Array, Dimension, Source

# poles that stand so many standard deviations apart are taken at their word; nearer ones are believed less
CLEAR = 2.0


@dataclass(frozen=True, slots=True)
class Placed:
    """Where n memories stand on k dimensions.

    Attributes:
        ids: n of them.
        values: float64, shape (n, k), in the dimensions' units, NaN where unknown.
        sources: int16, shape (n, k): spaces.types.Source.
        confidences: float64, shape (n, k), 0..1.
    """

    ids: Sequence[UUID]
    values: Array
    sources: Array
    confidences: Array


def place(
    contents: Contents,
    dimensions: Sequence[Dimension],
    axes: Sequence[Axis | None],
    given: Mapping[UUID, Mapping[str, float]],
) -> Placed:
    """Return where memories stand.

    A projection is as sure as the text is about the dimension at all, and as the poles are apart. A field and an explicit value
    are sure.

    Args:
        contents: what they say.
        dimensions: k of them.
        axes: of each, None without poles.
        given: memory to dimension's name, case folded, to an explicit value.
    """
    shape = (len(contents.ids), len(dimensions))
    values, confidences = np.full(shape, np.nan), np.zeros(shape)
    sources = np.zeros(shape, np.int16)
    for number, (dimension, axis) in enumerate(zip(dimensions, axes, strict=True)):
        if axis is not None and contents.vectors.shape[1] == len(axis.direction):
            shares = axis.values(contents.vectors)
            _set(
                number, from_unit(shares, dimension), axis.relevances(contents.vectors) * min(1.0, axis.separation / CLEAR),
                Source.PROJECTION, values, sources, confidences,
            )  # fmt: skip
        if dimension.field:
            read = np.asarray([read_field(each, dimension) for each in contents.metadata])
            _set(number, read, np.ones(len(read)), Source.FIELD, values, sources, confidences)
        if given:
            name = dimension.name.casefold()
            said = np.asarray([given.get(each, {}).get(name, np.nan) for each in contents.ids], np.float64)
            _set(number, said, np.ones(len(said)), Source.EXPLICIT, values, sources, confidences)
    return Placed(contents.ids, values, sources, confidences)


def _set(
    number: int, found: Array, sure: Array, source: Source, values: Array, sources: Array, confidences: Array
) -> None:
    known = ~np.isnan(found)
    values[known, number] = found[known]
    sources[known, number] = source
    confidences[known, number] = sure[known]


def needs_metadata(dimensions: Sequence[Dimension]) -> bool:
    """Tell whether placing memories on these dimensions reads their metadata."""
    return any(each.field for each in dimensions)


def as_given(coordinates: Mapping[str, Any]) -> dict[str, float]:
    """Return explicit values by the dimension's folded name."""
    return {name.casefold(): float(value) for name, value in coordinates.items()}
