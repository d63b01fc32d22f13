"""A concept's region: its prototype, weights and radius, given, learnt from examples or placed by a text."""

from dataclasses import dataclass
from math import isfinite
from typing import Any
from uuid import UUID

import numpy as np

from memory.index.bulk_reads import Contents
from spaces.dimension_rules import read_coordinates
from spaces.errors import InvalidConcept, UnknownMemory
from spaces.geometry.metric import Region, learn_region
from spaces.geometry.scales import from_unit, place_of
from spaces.placement import layouts
from spaces.placement.placing import place
from spaces.placement.positions import read_positions
from spaces.queries import View
from spaces.types import Array, ConceptDraft

# default, unless learnt from examples
RADIUS = 0.25


@dataclass(frozen=True, slots=True)
class _Given:
    prototype: Array
    weights: Array


def region_of(view: View, draft: ConceptDraft, vector: Array | None) -> Region:
    """Return the region of a draft; given values take precedence over learnt ones.

    Args:
        view: the space.
        draft: of the concept.
        vector: its text's embedding, None without.

    Raises:
        UnknownDimension, InvalidDimension: in the prototype or the weights, named in `loc`.
        UnknownMemory: an example has no position in the space.
        InvalidConcept: it has no value on a dimension of weight above 0.
    """
    given = _given(view, draft)
    learnt = _learn(view, draft) if draft.examples else None
    prototype, weights, radius = np.full(len(view.dimensions), np.nan), np.ones(len(view.dimensions)), RADIUS
    if learnt is not None:
        prototype, weights, radius = learnt.prototype, learnt.weights, learnt.radius
    elif vector is not None:
        prototype = _placed(view, vector)
    prototype = np.where(np.isnan(given.prototype), prototype, given.prototype)
    weights = np.where(
        np.isnan(given.weights), np.where(np.isnan(given.prototype), weights, 1.0), given.weights
    )
    counts = ~np.isnan(prototype) & (weights > 0) & (view.metric.weights > 0)
    if not counts.any():
        raise InvalidConcept(loc=("prototype",))
    return Region(prototype, weights, draft.radius or radius)


def _given(view: View, draft: ConceptDraft) -> _Given:
    size = len(view.dimensions)
    prototype, weights = np.full(size, np.nan), np.full(size, np.nan)
    for name, value in read_coordinates(view.dimensions, draft.prototype, "prototype").items():
        number = place_of(view.dimensions, name)
        prototype[number] = view.to_units(np.where(np.arange(size) == number, value, np.nan)[np.newaxis])[0][
            number
        ]
    for name, weight in draft.weights.items():
        number = place_of(view.dimensions, name, ("weights", name))
        if not isfinite(weight) or weight < 0:
            raise InvalidConcept("A weight must be at least 0.", loc=("weights", name))
        weights[number] = weight
    return _Given(prototype, weights)


def _learn(view: View, draft: ConceptDraft) -> Region:
    placed = read_positions(
        organisation=view.space.organisation_id, layout=view.layout.id, memories=draft.examples
    )
    missing = sorted(set(draft.examples) - set(placed.ids))
    if missing:
        raise UnknownMemory(f"Memory {missing[0]} has no position in this space.", loc=("examples",))
    try:
        return learn_region(view.to_units(placed.values), view.metric)
    except ValueError as error:
        raise InvalidConcept(
            f"The concept can't be learnt from the examples: {error}.", loc=("examples",)
        ) from None


def _placed(view: View, vector: Array) -> Array:
    """Return a text's position, shape (k,), on the unit scales, NaN on dimensions without poles."""
    plan = layouts.get_plan(organisation=view.space.organisation_id, layout=view.layout.id)
    contents = Contents([UUID(int=0)], vector[np.newaxis], [{}])
    return view.to_units(place(contents, plan.dimensions, plan.axes, {}).values)[0]


def as_fields(view: View, region: Region) -> dict[str, Any]:
    """Return a region as columns of a concept's row: by dimension name, in the dimensions' units."""
    known = [
        (number, each)
        for number, each in enumerate(view.dimensions)
        if not np.isnan(region.prototype[number])
    ]
    return {
        "prototype": {each.name: float(from_unit(region.prototype[number], each)) for number, each in known},
        "weights": {each.name: round(float(region.weights[number]), 6) for number, each in known},
        "radius": region.radius,
    }
