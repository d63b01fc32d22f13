"""Groups of vectors that lie together: spherical k-means, the same for the same vectors. Pure.

Source: Dhillon & Modha 2001, "Concept decompositions for large sparse text data using clustering"; begun as k-means++ (Arthur &
Vassilvitskii 2007) from a fixed seed, the best of eight tries.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from liftos.kernel.precedence import giving_way

MOST = 8
FEWEST_VECTORS = 4
ROUNDS = 12
TRIES = 8
SEED = 0


@dataclass(frozen=True, slots=True)
class Cluster:
    """Vectors that lie together.

    Attributes:
        members: their places, nearest to the middle first.
        cohesion: mean cosine to the middle, up to 1.
    """

    members: list[int]
    cohesion: float


def cluster(vectors: NDArray[np.float32]) -> list[Cluster]:
    """Return groups of two and more vectors, largest first; none for fewer than four vectors.

    Args:
        vectors: float32, shape (n, d), unit length. Cost: about a hundred products of (n, d) and (d, 8).
    """
    count = len(vectors)
    if count < FEWEST_VECTORS:
        return []
    wanted = int(min(MOST, max(2, round((count / 2) ** 0.5))))
    # a seed of its own: the same vectors give the same groups
    random = np.random.default_rng(SEED)
    tries = [_settle(vectors, _begin(vectors, wanted, random)) for _ in range(TRIES)]
    belongs, middles = max(tries, key=lambda each: float((vectors * each[1][each[0]]).sum()))
    found = []
    for place in range(len(middles)):
        members = np.flatnonzero(belongs == place)
        if len(members) < 2:
            continue
        near = vectors[members] @ middles[place]
        order = np.lexsort((members, -near))
        found.append(Cluster([int(each) for each in members[order]], float(near.mean())))
    return sorted(found, key=lambda each: (-len(each.members), each.members[0]))


def _settle(
    vectors: NDArray[np.float32], middles: NDArray[np.float32]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return to which middle each vector belongs, and the middles, when neither changes any more."""
    belongs = np.full(len(vectors), -1)
    for _ in giving_way(range(ROUNDS)):
        nearest = (vectors @ middles.T).argmax(axis=1)
        if (nearest == belongs).all():
            break
        belongs = nearest
        middles = np.stack(
            [
                _unit(vectors[belongs == place].sum(axis=0)) if (belongs == place).any() else middle
                for place, middle in enumerate(middles)
            ]
        )
    return belongs, middles


def _begin(vectors: NDArray[np.float32], wanted: int, random: np.random.Generator) -> NDArray[np.float32]:
    """Return vectors to begin from, each drawn the likelier the farther it is from those before it (k-means++)."""
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
