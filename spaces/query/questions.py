"""Queries on a space: positions, neighbours, comparisons, explanations, clusters. Inside the tenant transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import numpy as np

from memory.index.bulk_reads import read_texts
from spaces.errors import NotAMember
from spaces.geometry.metric import (
    SENSITIVITY,
    betweenness,
    clusters,
    differences,
    distances,
    membership,
    nearest,
    similarities,
    typicality,
)
from spaces.geometry.scales import from_unit
from spaces.models import Concept
from spaces.placement.placing import Placed
from spaces.placement.positions import page_positions, read_positions
from spaces.queries import View, list_concepts
from spaces.query.matrix import matrix_of
from spaces.types import Array, Coordinate, Dimension, Scale, Source

# newest members that are clustered
MAX_CLUSTERED = 10_000


@dataclass(frozen=True, slots=True)
class MemberPosition:
    """A memory's position: its coordinates by dimension, its coverage, 0..1, and its point on the unit scales."""

    memory: UUID
    content: str
    coordinates: dict[str, Coordinate]
    coverage: float
    point: Array


@dataclass(frozen=True, slots=True)
class Near:
    """A memory near another, with distance, similarity and coverage, 0..1."""

    memory: UUID
    content: str
    distance: float
    similarity: float
    coverage: float


@dataclass(frozen=True, slots=True)
class Part:
    """One dimension of a comparison: both values in its units, their difference, 0..1, and its share of the weight."""

    name: str
    first: float | None
    second: float | None
    difference: float | None
    weight: float


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster of members: its size, its centre, the members nearest to it and the nearest concept."""

    size: int
    centre: dict[str, float]
    members: list[UUID]
    concept: str | None


def with_texts(*, organisation: UUID, view: View, placed: Placed) -> list[MemberPosition]:
    """Return positions with their texts."""
    texts = read_texts(organisation=organisation, memories=placed.ids)
    points = view.to_units(placed.values) if placed.ids else placed.values
    weights = view.metric.weights / view.metric.weights.sum()
    return [
        MemberPosition(
            memory,
            texts.get(memory, ""),
            {
                each.name: Coordinate(
                    float(placed.values[row, number]),
                    Source(int(placed.sources[row, number])),
                    float(placed.confidences[row, number]),
                )
                for number, each in enumerate(view.dimensions)
            },
            float(weights[~np.isnan(points[row])].sum()),
            points[row],
        )
        for row, memory in enumerate(placed.ids)
    ]


def list_member_positions(
    *, organisation: UUID, view: View, limit: int, before: UUID | None = None
) -> list[MemberPosition]:
    """Return the positions of a space's members, newest memories first."""
    placed = page_positions(organisation=organisation, layout=view.layout.id, before=before, limit=limit)
    return with_texts(organisation=organisation, view=view, placed=placed)


def get_member_position(
    *, organisation: UUID, view: View, memory: UUID, field: str = "memory"
) -> MemberPosition:
    """Return a memory's position.

    Raises:
        NotAMember: it has no position in this space; `field` is its query parameter.
    """
    placed = read_positions(organisation=organisation, layout=view.layout.id, memories=[memory])
    if not placed.ids:
        raise NotAMember(loc=("query", field))
    return with_texts(organisation=organisation, view=view, placed=placed)[0]


def neighbours(*, organisation: UUID, view: View, memory: UUID, limit: int) -> list[Near]:
    """Return the members nearest to one of them, nearest first, without those that share no known dimension.

    Raises:
        NotAMember: it has no position in this space.
    """
    own = get_member_position(organisation=organisation, view=view, memory=memory)
    keys, points = matrix_of(
        organisation=organisation, layout=view.layout.id, dimensions=view.dimensions
    ).refresh()
    points = points[:, : len(view.dimensions)]
    apart, covered = distances(points, own.point, view.metric)
    # low coverage counts as distance, so that unknown coordinates don't make a memory near
    order = np.argsort(np.nan_to_num(apart, nan=np.inf) + (1 - covered), kind="stable")
    found: list[Near] = []
    start, step = 0, max(50, 2 * limit)
    while len(found) < limit and start < len(order):
        some = [place for place in order[start : start + step].tolist() if not np.isnan(apart[place])]
        start += step
        ids = [UUID(bytes=keys[place]) for place in some]
        present = set(read_positions(organisation=organisation, layout=view.layout.id, memories=ids).ids)
        texts = read_texts(organisation=organisation, memories=ids)
        found += [
            Near(
                each,
                texts[each],
                float(apart[place]),
                float(np.exp(-SENSITIVITY * apart[place])),
                float(covered[place]),
            )
            for place, each in zip(some, ids, strict=True)
            if each != memory and each in present and each in texts
        ]
        if len(some) < min(step, len(order) - start + step):
            break
    return found[:limit]


def compare(
    view: View, first: MemberPosition, second: MemberPosition, between: MemberPosition | None = None
) -> dict[str, Any]:
    """Return the comparison of two memories by dimension, and how far a third lies between them."""
    apart, covered = distances(first.point[np.newaxis], second.point, view.metric)
    near, _ = similarities(first.point[np.newaxis], second.point, view.metric)
    found: dict[str, Any] = {
        "distance": known(apart[0]),
        "similarity": float(near[0]),
        "coverage": float(covered[0]),
        "dimensions": _parts(
            view, first.point, second.point, view.metric.weights, first.coordinates, second.coordinates
        ),
    }
    if between is not None:
        found["betweenness"] = known(betweenness(between.point, first.point, second.point, view.metric))
    return found


def explain(*, organisation: UUID, view: View, position: MemberPosition, concept: Concept) -> dict[str, Any]:
    """Return how typical a memory is of a concept, by dimension."""
    region = view.region(concept)
    counts = ~np.isnan(region.prototype) & (region.weights * view.metric.weights > 0)
    metric = region.metric(view.metric) if counts.any() else view.metric
    point = position.point[np.newaxis]
    apart, covered = distances(point, region.prototype, metric)
    others = list_concepts(organisation=organisation, space=view.space.id)
    ordered = nearest(position.point, [view.region(each) for each in others], view.metric)
    return {
        "distance": known(apart[0]),
        "coverage": float(covered[0]),
        "typicality": float(typicality(point, region, view.metric)[0]),
        "membership": float(membership(point, region, view.metric)[0]),
        "radius": concept.radius,
        "nearest_concepts": [{"name": others[number].name, "distance": far} for number, far in ordered[:5]],
        "dimensions": _parts(
            view, position.point, region.prototype, metric.weights, position.coordinates, concept.prototype
        ),
    }


def find_clusters(*, organisation: UUID, view: View, count: int) -> list[Cluster]:
    """Return clusters of the newest MAX_CLUSTERED members, largest first."""
    placed = page_positions(
        organisation=organisation, layout=view.layout.id, before=None, limit=MAX_CLUSTERED
    )
    if not placed.ids:
        return []
    points = view.to_units(placed.values)
    groups, centres = clusters(points, view.metric, count)
    concepts = list_concepts(organisation=organisation, space=view.space.id)
    regions = [view.region(each) for each in concepts]
    found = []
    for number, centre in enumerate(centres):
        inside = np.flatnonzero(groups == number)
        if not len(inside):
            continue
        apart = np.nan_to_num(distances(points[inside], centre, view.metric)[0], nan=1.0)
        closest = inside[np.argsort(apart, kind="stable")[:10]]
        near = nearest(centre, regions, view.metric)
        found.append(
            Cluster(
                len(inside),
                in_units(view.dimensions, centre),
                [placed.ids[place] for place in closest],
                concepts[near[0][0]].name if near else None,
            )
        )
    return sorted(found, key=lambda each: (-each.size, str(each.members[0])))


def in_units(dimensions: Sequence[Dimension], point: Array) -> dict[str, float]:
    """Return a point's known coordinates in the dimensions' units, by name."""
    return {
        each.name: float(from_unit(point[number], each))
        for number, each in enumerate(dimensions)
        if not np.isnan(point[number])
    }


def shown(value: float | None, dimension: Dimension) -> float | str | None:
    """Return a coordinate for display: None if unknown, a level's name on an ordinal scale."""
    if value is None or np.isnan(value):
        return None
    if dimension.scale is Scale.ORDINAL:
        return dimension.levels[min(len(dimension.levels) - 1, max(0, round(value)))]
    return float(value)


def known(value: float) -> float | None:
    """Return a number, None for NaN."""
    return None if np.isnan(value) else float(value)


def _parts(
    view: View, first: Array, second: Array, weights: Array, one: dict[str, Any], other: dict[str, Any]
) -> list[Part]:
    apart = differences(first[np.newaxis], second, view.metric.circular)[0]
    both = np.where(np.isnan(apart), 0.0, weights)
    shares = both / both.sum() if both.any() else both

    def value(some: dict[str, Any], name: str) -> float | None:
        found = some.get(name)
        number = found.value if isinstance(found, Coordinate) else found
        return None if number is None else known(number)

    return [
        Part(
            each.name,
            value(one, each.name),
            value(other, each.name),
            known(apart[number]),
            float(shares[number]),
        )
        for number, each in enumerate(view.dimensions)
    ]
