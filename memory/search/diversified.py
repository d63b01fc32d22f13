"""Read the texts and vectors by which near-doubles are told, only for the candidates of searches with diversity."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from liftos.kernel.db.binary import UuidArray, unpack_halfvecs
from liftos.kernel.db.transactions import raw_cursor
from liftos.kernel.embedding import EmbedderUnavailable
from liftos.kernel.embedding.catalogue import model_number
from liftos.kernel.precedence import giving_way
from memory.index.embeddings import active_manager
from memory.search.diversity import diversify
from memory.search.near_doubles import COMPARED, Copy, copy_of
from memory.search.ranking import Ranking
from memory.search.statements import COPIES, VECTORS_OF
from memory.search.types import Key


def vector_model(organisation: UUID) -> int | None:
    """Return the number of the organisation's embedding model; None if it is not available, which leaves the texts to compare."""
    try:
        return model_number(active_manager(organisation).model)
    except EmbedderUnavailable:
        return None


def diversified(
    organisation: UUID, model: int | None, rankings: Sequence[Ranking], diversity: float, most: int
) -> list[Ranking]:
    """Return varied rankings of up to `most` memories; see `memory.search.diversity`."""
    ids = UuidArray({entry.id for ranking in rankings for entry in ranking.ranked})
    values = {"organisation": organisation, "ids": ids, "model": model, "most": COMPARED}
    by_copies, by_vectors = _copies(values), _vectors(values)
    copies, vectors = by_copies(), by_vectors()
    return [
        replace(ranking, ranked=diversify(ranking.ranked, copies, vectors, diversity=diversity, most=most))
        for ranking in giving_way(rankings)
    ]


def _copies(values: dict[str, Any]) -> Callable[[], dict[Key, Copy]]:
    cursor = raw_cursor().execute(COPIES, values, binary=True)
    return lambda: {
        memory: copy_of(text, value, length) for memory, text, value, length in giving_way(cursor.fetchall())
    }


def _vectors(values: dict[str, Any]) -> Callable[[], dict[Key, NDArray[np.float32]]]:
    cursor = raw_cursor().execute(VECTORS_OF, values, binary=True)

    def wait() -> dict[Key, NDArray[np.float32]]:
        rows = cursor.fetchall()
        if not rows:
            return {}
        vectors = unpack_halfvecs(b"".join(packed for _, packed in rows), len(rows))
        vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), np.finfo(np.float32).tiny)
        return {memory: vector for (memory, _), vector in zip(rows, vectors, strict=True)}

    return wait
