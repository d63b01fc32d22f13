"""Groups of vectors that lie together: spherical k-means, the same for the same vectors. Pure.

Source: Dhillon & Modha 2001, "Concept decompositions for large sparse text data using clustering". Begun from the vector
nearest to the mean and then, each time, from the one farthest from all begun so far, instead of at random.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MOST = 8
FEWEST_VECTORS = 4
ROUNDS = 12


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
        vectors: float32, shape (n, d), unit length. Cost: about 12 products of (n, d) and (d, 8).
    """
    count = len(vectors)
    if count < FEWEST_VECTORS:
        return []
    wanted = int(min(MOST, max(2, round((count / 2) ** 0.5))))
    middles = _begin(vectors, wanted)
    belongs = np.full(count, -1)
    for _ in range(ROUNDS):
        nearest = (vectors @ middles.T).argmax(axis=1)
        if (nearest == belongs).all():
            break
        belongs = nearest
        middles = np.stack(
            [
                _unit(vectors[belongs == place].sum(axis=0)) if (belongs == place).any() else middles[place]
                for place in range(wanted)
            ]
        )
    found = []
    for place in range(wanted):
        members = np.flatnonzero(belongs == place)
        if len(members) < 2:
            continue
        near = vectors[members] @ middles[place]
        order = np.lexsort((members, -near))
        found.append(Cluster([int(each) for each in members[order]], float(near.mean())))
    return sorted(found, key=lambda each: (-len(each.members), each.members[0]))


def _begin(vectors: NDArray[np.float32], wanted: int) -> NDArray[np.float32]:
    chosen = [int((vectors @ _unit(vectors.mean(axis=0))).argmax())]
    nearest = vectors @ vectors[chosen[0]]
    while len(chosen) < wanted:
        chosen.append(int(nearest.argmin()))
        nearest = np.maximum(nearest, vectors @ vectors[chosen[-1]])
    return vectors[chosen]


def _unit(vector: NDArray[np.float32]) -> NDArray[np.float32]:
    length = float(np.linalg.norm(vector))
    return vector / length if length else vector
