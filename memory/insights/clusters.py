"""Deterministic spherical k-means. Pure.

Source: Dhillon & Modha 2001, "Concept decompositions for large sparse text data using clustering"; initialised by k-means++
(Arthur & Vassilvitskii 2007) from a fixed seed, the best of eight runs.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from liftos.kernel.precedence import giving_way

MAX_CLUSTERS = 8
MIN_VECTORS = 4
MAX_ITERATIONS = 12
RUNS = 8
SEED = 0


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster of vectors.

    Attributes:
        members: indices of its vectors, nearest to the centroid first.
        cohesion: mean cosine similarity to the centroid, up to 1.
    """

    members: list[int]
    cohesion: float


def cluster(vectors: NDArray[np.float32]) -> list[Cluster]:
    """Return the clusters of at least two vectors, largest first; [] for fewer than four vectors.

    Args:
        vectors: float32, shape (n, d), unit length. Cost: about 100 products of (n, d) and (d, 8).
    """
    count = len(vectors)
    if count < MIN_VECTORS:
        return []
    wanted = int(min(MAX_CLUSTERS, max(2, round((count / 2) ** 0.5))))
    random = np.random.default_rng(SEED)
    runs = [_iterate(vectors, _initial_centroids(vectors, wanted, random)) for _ in range(RUNS)]
    labels, centroids = max(runs, key=lambda each: float((vectors * each[1][each[0]]).sum()))
    found = []
    for label, centroid in enumerate(centroids):
        members = np.flatnonzero(labels == label)
        if len(members) < 2:
            continue
        similarities = vectors[members] @ centroid
        order = np.lexsort((members, -similarities))
        found.append(Cluster([int(each) for each in members[order]], float(similarities.mean())))
    return sorted(found, key=lambda each: (-len(each.members), each.members[0]))


def _iterate(
    vectors: NDArray[np.float32], centroids: NDArray[np.float32]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return each vector's label and the centroids, after convergence or 12 iterations."""
    labels = np.full(len(vectors), -1)
    for _ in giving_way(range(MAX_ITERATIONS)):
        nearest = (vectors @ centroids.T).argmax(axis=1)
        if (nearest == labels).all():
            break
        labels = nearest
        centroids = np.stack(
            [
                _unit(vectors[labels == label].sum(axis=0)) if (labels == label).any() else centroid
                for label, centroid in enumerate(centroids)
            ]
        )
    return labels, centroids


def _initial_centroids(
    vectors: NDArray[np.float32], wanted: int, random: np.random.Generator
) -> NDArray[np.float32]:
    """Return k-means++ centroids, each drawn with probability proportional to its cosine distance from the others."""
    chosen = [int(random.integers(len(vectors)))]
    nearest = vectors @ vectors[chosen[0]]
    while len(chosen) < wanted:
        far = np.maximum(0.0, 1.0 - nearest.astype(np.float64))
        if not far.sum():
            break
        chosen.append(int(random.choice(len(vectors), p=far / far.sum())))
        nearest = np.maximum(nearest, vectors @ vectors[chosen[-1]])
    return vectors[chosen]


def _unit(vector: NDArray[np.float32]) -> NDArray[np.float32]:
    length = float(np.linalg.norm(vector))
    return vector / length if length else vector
