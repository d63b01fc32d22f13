"""Choose a varied answer: near-doubles collapse into the best of them, and what repeats a better hit moves down. Pure.

Source: Carbonell & Goldstein 1998, "The Use of MMR", with a product instead of a difference:

    worth = score * (1 - diversity * redundancy)

so that an unrelated memory is never preferred for being different. Redundancy is the highest cosine with a memory chosen before,
from 0 at BACKGROUND to 1 at NEAR.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from memory.search.near_doubles import NEAR, Copies, Copy
from memory.search.types import Key, Ranked

# cosines up to this are no redundancy: most memories of one organisation are about this close
BACKGROUND = 0.5

Vectors = Mapping[Key, NDArray[np.float32]]


def diversify(
    ranked: Sequence[Ranked], copies: Mapping[Key, Copy], vectors: Vectors, *, diversity: float, most: int
) -> list[Ranked]:
    """Return up to `most` memories, each with the number of near-doubles it stands for.

    Args:
        ranked: best first; memories without a copy, deleted meanwhile, are left out.
        copies: what is compared of each.
        vectors: unit vectors of those that have one.
        diversity: 0 (by score alone, without near-doubles) to 1.
        most: number of memories to choose.
    """
    left = [entry for entry in ranked if entry.id in copies]
    own = Copies([copies[entry.id] for entry in left])
    matrix, known = _matrix(left, vectors)
    scores = np.array([entry.score for entry in left])
    redundancy = np.zeros(len(left))
    is_open = np.ones(len(left), bool)
    chosen: list[Ranked] = []
    while is_open.any() and len(chosen) < most:
        worth = np.where(is_open, scores * (1 - diversity * redundancy), -np.inf)
        place = int(np.argmax(worth))
        is_open[place] = False
        cosines = np.where(known, matrix @ matrix[place], np.nan) if known[place] else None
        folded = own.doubles_of(place, cosines) & is_open
        is_open &= ~folded
        if cosines is not None:
            share = np.clip((cosines - BACKGROUND) / (NEAR - BACKGROUND), 0, 1)
            redundancy = np.fmax(redundancy, np.nan_to_num(share))
        chosen.append(left[place]._replace(collapsed=int(folded.sum())))
    return chosen


def _matrix(ranked: Sequence[Ranked], vectors: Vectors) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return the vectors in order, zeros where there is none, and which memories have one."""
    known = np.fromiter((entry.id in vectors for entry in ranked), bool, len(ranked))
    dimension = len(next(iter(vectors.values()), ()))
    blank = np.zeros(dimension, np.float32)
    rows = [vectors.get(entry.id, blank) for entry in ranked]
    return np.array(rows, np.float32).reshape(len(ranked), dimension), known
