"""The geometry of conceptual spaces: distance, similarity, regions and clusters. Pure NumPy.

A *point* is float64, shape (k,): one coordinate per dimension, on its unit scale 0..1 (`spaces.geometry.scales`), NaN if unknown.
Several points are shape (n, k). Unknown coordinates are ignored: a distance covers the dimensions that both points have, and
`coverage` is their share of the weight.

Dimensions that belong together (hue and brightness; price and discount) form a *domain*: within a domain distances are Euclidean,
across domains they add up (city-block). Source: Gärdenfors 2000, "Conceptual Spaces", chapter 1, after Shepard 1964 on integral
and separable dimensions. Similarity decreases exponentially with distance: Shepard 1987, Nosofsky 1986.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from liftos.kernel.precedence import giving_way

Array = np.ndarray

# decay of similarity: at a quarter of the scale's length it is exp(-1) = .37
SENSITIVITY = 4.0


@dataclass(frozen=True, slots=True)
class Metric:
    """The distance measure of a space.

    Attributes:
        weights: shape (k,), each ≥ 0; only their ratios matter.
        domains: shape (k,), integers: dimensions with the same number form a domain.
        circular: shape (k,), bool: whether the scale's two ends coincide (hours, months).
    """

    weights: Array
    domains: Array
    circular: Array

    @classmethod
    def of(
        cls,
        weights: Sequence[float] | Array,
        *,
        domains: Sequence[int] | Array | None = None,
        circular: Sequence[bool] | Array | None = None,
    ) -> "Metric":
        """Return a metric; by default each dimension is its own domain and none is circular.

        Raises:
            ValueError: a weight is negative or not finite, all are 0, or the shapes differ.
        """
        found = np.asarray(weights, dtype=np.float64)
        size = len(found)
        metric = cls(
            found,
            np.arange(size) if domains is None else np.asarray(domains, dtype=np.int64),
            np.zeros(size, bool) if circular is None else np.asarray(circular, dtype=bool),
        )
        if not size or metric.domains.shape != (size,) or metric.circular.shape != (size,):
            raise ValueError("weights, domains and circular must have the same length, at least 1")
        if not np.isfinite(found).all() or (found < 0).any() or not found.any():
            raise ValueError("weights must be finite and not negative, and not all 0")
        return metric

    def with_context(self, emphasis: Array) -> "Metric":
        """Return the metric with each weight multiplied by the context's emphasis, shape (k,), ≥ 0."""
        return Metric.of(
            self.weights * np.asarray(emphasis, np.float64), domains=self.domains, circular=self.circular
        )


def differences(points: Array, other: Array, circular: Array) -> Array:
    """Return the absolute differences of coordinates, 0..1: shape (n, k), NaN where either is unknown.

    Args:
        points: shape (n, k).
        other: shape (k,).
        circular: shape (k,); on these the shorter way round counts, at most .5, scaled to 1.
    """
    apart = np.abs(points - other)
    if circular.any():
        wrapped = apart[:, circular] % 1.0
        apart[:, circular] = 2 * np.minimum(wrapped, 1.0 - wrapped)
    return apart


def distances(points: Array, other: Array, metric: Metric) -> tuple[Array, Array]:
    """Return the distances of points to another, and their coverage.

    Args:
        points: shape (n, k).
        other: shape (k,).
        metric: of k dimensions.

    Returns:
        Distances, shape (n,), 0..1, NaN if no dimension with a weight is known of both; coverage, shape (n,), 0..1.
    """
    counted = np.flatnonzero(metric.weights > 0)
    apart = differences(points[:, counted], other[counted], metric.circular[counted])
    known = ~np.isnan(apart)
    weights = metric.weights[counted] / metric.weights[counted].sum()
    squares = np.where(known, apart, 0.0) ** 2 * weights
    held = known * weights
    total, covered = np.zeros(len(points)), held.sum(axis=1)
    domains = metric.domains[counted]
    for domain in np.unique(domains):
        inside = domains == domain
        # a domain of weight W adds W * sqrt(mean square), so a single domain gives the Euclidean distance
        total += np.sqrt(squares[:, inside].sum(axis=1) * held[:, inside].sum(axis=1))
    with np.errstate(invalid="ignore", divide="ignore"):
        found = total / covered
    return np.where(covered > 0, np.minimum(found, 1.0), np.nan), np.minimum(covered, 1.0)


def distance(first: Array, second: Array, metric: Metric) -> float:
    """Return the distance of two points, 0..1; NaN without a common dimension. See `distances`."""
    return float(distances(first[np.newaxis], second, metric)[0][0])


def similarities(
    points: Array, other: Array, metric: Metric, *, sensitivity: float = SENSITIVITY
) -> tuple[Array, Array]:
    """Return exp(-sensitivity * distance), shape (n,), 0 if nothing is known, and the coverage, shape (n,)."""
    apart, covered = distances(points, other, metric)
    return np.where(np.isnan(apart), 0.0, np.exp(-sensitivity * np.nan_to_num(apart))), covered


def betweenness(point: Array, first: Array, second: Array, metric: Metric) -> float:
    """Return how far a point lies between two others: 1 on a shortest path between them, less off it.

    It is d(first, second) / (d(first, point) + d(point, second)), and 1 if all three coincide; NaN if a distance is unknown.
    """
    detour = distance(first, point, metric) + distance(point, second, metric)
    direct = distance(first, second, metric)
    if np.isnan(detour) or np.isnan(direct):
        return float("nan")
    return 1.0 if detour == 0 else min(1.0, direct / detour)


@dataclass(frozen=True, slots=True)
class Region:
    """The region of a space that a concept covers, around a prototype.

    Attributes:
        prototype: shape (k,), NaN on dimensions that the concept does not use.
        weights: shape (k,): of each dimension for this concept, multiplied with the space's weights.
        radius: the distance at which membership is one half, > 0.
        softness: width of the edge across which membership falls, > 0, as a share of the radius.
    """

    prototype: Array
    weights: Array
    radius: float
    softness: float = 0.25

    def metric(self, space: Metric) -> Metric:
        """Return the space's metric with this concept's weights."""
        return space.with_context(np.where(np.isnan(self.prototype), 0.0, self.weights))


def membership(points: Array, region: Region, metric: Metric) -> Array:
    """Return the membership of points in a region, shape (n,), 0..1; one half at its radius, 0 if nothing is known.

    Args:
        points: shape (n, k).
        region: of k dimensions.
        metric: the space's.
    """
    apart, covered = distances(points, region.prototype, region.metric(metric))
    steps = (np.nan_to_num(apart, nan=np.inf) - region.radius) / (region.softness * region.radius)
    return np.where(covered > 0, 1 / (1 + np.exp(np.minimum(steps, 700.0))), 0.0)


def typicality(points: Array, region: Region, metric: Metric) -> Array:
    """Return how typical points are of a concept, shape (n,), 0..1: their similarity to its prototype times coverage."""
    near, covered = similarities(points, region.prototype, region.metric(metric))
    return near * covered


def nearest(point: Array, regions: Sequence[Region], metric: Metric) -> list[tuple[int, float]]:
    """Return (index in `regions`, distance), nearest first, of the regions that share a known dimension with the point.

    The distance is to the prototype, over the concept's dimensions: the regions' Voronoi cells divide the space.
    """
    found = [
        (number, distance(point, region.prototype, region.metric(metric)))
        for number, region in enumerate(regions)
        if (~np.isnan(region.prototype) & (region.weights * metric.weights > 0)).any()
    ]
    return sorted((pair for pair in found if not np.isnan(pair[1])), key=lambda pair: (pair[1], pair[0]))


def learn_region(examples: Array, metric: Metric) -> Region:
    """Return the region of a concept learnt from examples.

    The prototype is their mean (on a circular dimension, the mean direction). A dimension's weight is 1 / (1 + (spread / .25)²), so
    that agreement counts, and 0 if it is unknown for all. The radius covers 90% of the examples, and is at least .1.

    Args:
        examples: shape (n, k), n ≥ 1.
        metric: the space's.

    Raises:
        ValueError: no example has a coordinate on a dimension of weight above 0.
    """
    known = ~np.isnan(examples)
    counts = known.sum(axis=0)
    if not (counts * (metric.weights > 0)).any():
        raise ValueError("no example has a coordinate on a dimension of weight above 0")
    filled, shares = np.where(known, examples, 0.0), np.maximum(counts, 1)
    means = filled.sum(axis=0) / shares
    if metric.circular.any():
        turned = np.where(known, np.exp(2j * np.pi * filled), 0).sum(axis=0)
        means = np.where(metric.circular, np.angle(turned) / (2 * np.pi) % 1.0, means)
    apart = np.where(known, np.nan_to_num(differences(examples, means, metric.circular)), 0.0)
    spread = np.sqrt((apart**2).sum(axis=0) / shares)
    prototype = np.where(counts > 0, means, np.nan)
    region = Region(prototype, np.where(counts > 0, 1 / (1 + (spread / 0.25) ** 2), 0.0), 1.0)
    around = distances(examples, prototype, region.metric(metric))[0]
    radius = max(0.1, float(np.nanquantile(around, 0.9)))
    return Region(prototype, region.weights, radius)


def clusters(points: Array, metric: Metric, count: int, *, rounds: int = 50) -> tuple[Array, Array]:
    """Cluster points by k-means, deterministically for the same points in the same order.

    The first centre is the point nearest to the mean, each further one the point farthest from the previous ones
    (Gonzalez 1985); then assignments and means alternate until nothing changes.

    Args:
        points: shape (n, k).
        metric: of k dimensions.
        count: maximum number of clusters, ≥ 1.
        rounds: maximum number of iterations.

    Returns:
        Each point's cluster, shape (n,), -1 if nothing is known of it; the centres, shape (count, k).
    """
    some = np.flatnonzero((~np.isnan(points[:, metric.weights > 0])).any(axis=1))
    groups = np.full(len(points), -1)
    if not len(some):
        return groups, np.empty((0, points.shape[1]))
    own = points[some]
    centres = [own[int(np.nanargmin(_to(own, _middle(own, metric), metric)))]]
    gap = _to(own, centres[0], metric)
    while len(centres) < count and gap.max() > 0:
        centres.append(own[int(np.argmax(gap))])
        gap = np.minimum(gap, _to(own, centres[-1], metric))
    assigned = np.zeros(len(own), int)
    for turn in range(rounds):
        before, assigned = (
            assigned,
            np.argmin(np.stack([_to(own, centre, metric) for centre in giving_way(centres)]), axis=0),
        )
        if turn and (before == assigned).all():
            break
        centres = [
            _middle(own[assigned == number], metric) if (assigned == number).any() else centre
            for number, centre in enumerate(centres)
        ]
    groups[some] = assigned
    return groups, np.stack(centres)


def _middle(points: Array, metric: Metric) -> Array:
    return learn_region(points, metric).prototype


def _to(points: Array, centre: Array, metric: Metric) -> Array:
    # without a common dimension, the maximum distance
    return np.nan_to_num(distances(points, centre, metric)[0], nan=1.0)
