"""Computing positions. An explicit value takes precedence over a metadata field, and a field over projection."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import numpy as np

from memory.index.bulk_reads import Contents
from spaces.geometry.projection import Axis
from spaces.geometry.scales import from_unit, read_field
from spaces.types import Array, Dimension, Source

# separation of the poles, in standard deviations, below which the confidence of a projection is reduced
CLEAR = 2.0


@dataclass(frozen=True, slots=True)
class Placed:
    """The positions of n memories on k dimensions.

    Attributes:
        ids: of the n memories.
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
    """Return the positions of memories.

    The confidence of a projection is the text's relevance to the dimension, reduced for poles close together; that of a field or an
    explicit value is 1.

    Args:
        contents: of the memories.
        dimensions: the k dimensions.
        axes: of each, None without poles.
        given: memory to casefolded dimension name to explicit value.
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
            explicit = np.asarray(
                [given.get(each, {}).get(name, np.nan) for each in contents.ids], np.float64
            )
            _set(number, explicit, np.ones(len(explicit)), Source.EXPLICIT, values, sources, confidences)
    return Placed(contents.ids, values, sources, confidences)


def _set(
    number: int, found: Array, trust: Array, source: Source, values: Array, sources: Array, confidences: Array
) -> None:
    known = ~np.isnan(found)
    values[known, number] = found[known]
    sources[known, number] = source
    confidences[known, number] = trust[known]


def needs_metadata(dimensions: Sequence[Dimension]) -> bool:
    """Return whether placing memories on these dimensions reads their metadata."""
    return any(each.field for each in dimensions)


def fold_names(coordinates: Mapping[str, Any]) -> dict[str, float]:
    """Return explicit values by casefolded dimension name."""
    return {name.casefold(): float(value) for name, value in coordinates.items()}
