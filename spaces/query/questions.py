"""What can be asked of a space: neighbours, explanations, comparisons, clusters, its report. Inside the tenant transaction."""

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

# of a larger space, clusters are made from its newest members
MOST = 10_000


@dataclass(frozen=True, slots=True)
class Standing:
    """Where one memory stands: its coordinates by dimension, and the share of the weight that is known, 0..1."""

    memory: UUID
    content: str
    coordinates: dict[str, Coordinate]
    coverage: float
    point: Array


@dataclass(frozen=True, slots=True)
class Near:
    """A memory near another: distance 0..1, similarity, and the share of the weight that both have, 0..1."""

    memory: UUID
    content: str
    distance: float
    similarity: float
    coverage: float


@dataclass(frozen=True, slots=True)
class Part:
    """What one dimension adds to a distance: both values in its units, how far they are apart, 0..1, its share of the weight."""

    name: str
    first: float | None
    second: float | None
    difference: float | None
    weight: float


@dataclass(frozen=True, slots=True)
class Cluster:
    """Members that lie together: how many, where their middle is, those nearest to it, the concept nearest to it."""

    size: int
    centre: dict[str, float]
    members: list[UUID]
    concept: str | None


def standings(*, organisation: UUID, view: View, placed: Placed) -> list[Standing]:
    """Return positions with their texts."""
    texts = read_texts(organisation=organisation, memories=placed.ids)
    points = view.to_units(placed.values) if placed.ids else placed.values
    weights = view.metric.weights / view.metric.weights.sum()
    return [
        Standing(
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


def list_standings(
    *, organisation: UUID, view: View, limit: int, before: UUID | None = None
) -> list[Standing]:
    """Return where the members of a space stand, newest memories first."""
    placed = page_positions(organisation=organisation, layout=view.layout.id, before=before, limit=limit)
    return standings(organisation=organisation, view=view, placed=placed)


def get_standing(*, organisation: UUID, view: View, memory: UUID, field: str = "memory") -> Standing:
    """Return where one memory stands.

    Raises:
        NotAMember: it has no position in this space; `field` is what the caller calls it.
    """
    placed = read_positions(organisation=organisation, layout=view.layout.id, memories=[memory])
    if not placed.ids:
        raise NotAMember(loc=("query", field))
    return standings(organisation=organisation, view=view, placed=placed)[0]


def neighbours(*, organisation: UUID, view: View, memory: UUID, limit: int) -> list[Near]:
    """Return the members nearest to one of them, nearest first; what shares no known dimension is none.

    Raises:
        NotAMember: it has no position in this space.
    """
    own = get_standing(organisation=organisation, view=view, memory=memory)
    keys, points = matrix_of(
        organisation=organisation, layout=view.layout.id, dimensions=view.dimensions
    ).refresh()
    points = points[:, : len(view.dimensions)]
    apart, covered = distances(points, own.point, view.metric)
    # what is known of less counts as farther: nothing is near for want of knowledge
    order = np.argsort(np.nan_to_num(apart, nan=np.inf) + (1 - covered), kind="stable")
    found: list[Near] = []
    start, step = 0, max(50, 2 * limit)
    while len(found) < limit and start < len(order):
        some = [place for place in order[start : start + step].tolist() if not np.isnan(apart[place])]
        start += step
        ids = [UUID(bytes=keys[place]) for place in some]
        there = set(read_positions(organisation=organisation, layout=view.layout.id, memories=ids).ids)
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
            if each != memory and each in there and each in texts
        ]
        if len(some) < min(step, len(order) - start + step):
            break
    return found[:limit]


def compare(view: View, first: Standing, second: Standing, between: Standing | None = None) -> dict[str, Any]:
    """Return how two memories stand to each other, dimension by dimension, and how far a third lies between them."""
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


def explain(*, organisation: UUID, view: View, standing: Standing, concept: Concept) -> dict[str, Any]:
    """Return why a memory is more or less typical of a concept, dimension by dimension."""
    region = view.region(concept)
    metric = region.metric(view.metric) if _says_anything(view, concept) else view.metric
    point = standing.point[np.newaxis]
    apart, covered = distances(point, region.prototype, metric)
    others = list_concepts(organisation=organisation, space=view.space.id)
    ordered = nearest(standing.point, [view.region(each) for each in others], view.metric)
    return {
        "distance": known(apart[0]),
        "coverage": float(covered[0]),
        "typicality": float(typicality(point, region, view.metric)[0]),
        "membership": float(membership(point, region, view.metric)[0]),
        "radius": concept.radius,
        "nearest_concepts": [{"name": others[number].name, "distance": far} for number, far in ordered[:5]],
        "dimensions": _parts(
            view, standing.point, region.prototype, metric.weights, standing.coordinates, concept.prototype
        ),
    }


def _says_anything(view: View, concept: Concept) -> bool:
    region = view.region(concept)
    return bool((~np.isnan(region.prototype) & (region.weights * view.metric.weights > 0)).any())


def find_clusters(*, organisation: UUID, view: View, count: int) -> list[Cluster]:
    """Return groups of members that lie together, largest first; of the newest MOST members."""
    placed = page_positions(organisation=organisation, layout=view.layout.id, before=None, limit=MOST)
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
    """Return a coordinate as people read it: null where unknown, a level's name on an ordinal scale."""
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
