"""The statements of the meaning arm: sent at once, their answers waited for by the functions that are returned."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from liftos.kernel.db.binary import HalfVec, UuidArray
from liftos.kernel.db.transactions import raw_cursor
from liftos.kernel.embedding.types import PLAIN, Profile
from memory.search.arms.meaning.statements import PASSAGE_SCORES, PLACED, ROWS, SCORES, SCORES_OF
from memory.search.keys import keys_of
from memory.search.types import Key, Question, Row

NAME = "meaning"
Rows = dict[Key, Row]


class QueryVector(NamedTuple):
    """A query's embedding, float32, shape (d,), and the number and profile of the model that made it."""

    vector: np.ndarray
    model: int
    profile: Profile = PLAIN


def asked_of(question: Question) -> QueryVector:
    """Return what was prepared for a question."""
    prepared: QueryVector = question.prepared[NAME]
    return prepared


def parameters_of(question: Question) -> dict[str, Any]:
    """Return the parameters of a question's statements."""
    vector, model, _ = asked_of(question)
    return {"organisation": question.organisation, "model": model, "vector": HalfVec(vector)}


def ask(
    nearest: Sequence[str], values: dict[str, Any], rows: Rows | None
) -> Callable[[], list[tuple[dict[Key, float], int]]]:
    """Send one statement that combines several nearest-neighbour queries; their results are best first, with the number of rows.

    Args:
        nearest: SQL of the queries, each selecting memory_id and distance, possibly of several passages of a memory.
        values: parameters of all of them.
        rows: if not None, the memories' rows are joined and added to it.
    """
    if rows is None:
        parts = [SCORES_OF.format(place=place, nearest=each) for place, each in enumerate(nearest)]
        statement = " UNION ALL ".join(parts)
    else:
        parts = [PLACED.format(place=place, nearest=each) for place, each in enumerate(nearest)]
        statement = ROWS.format(nearest=" UNION ALL ".join(parts))
    cursor = raw_cursor().execute(statement, values, binary=True)

    def wait() -> list[tuple[dict[Key, float], int]]:
        found: list[list[tuple[Key, float]]] = [[] for _ in nearest]
        for place, *row in cursor.fetchall():
            if rows is not None:
                key = row[1].bytes
                found[place].append((key, row[0]))
                rows[key] = tuple(row[2:])
            elif row[0] is not None:
                found[place] = list(zip(keys_of(row[0]), row[1], strict=True))
        return [(_best_of_each(pairs), len(pairs)) for pairs in found]

    return wait


def _best_of_each(pairs: Sequence[tuple[Key, float]]) -> dict[Key, float]:
    """Return the best score of each memory, given those of passages, best first."""
    scores = dict(pairs)
    if len(scores) < len(pairs):
        # the last of equal keys counts, but the first place is kept: best first by both
        scores = dict(reversed(pairs))
        scores = {key: scores[key] for key, _ in pairs}
    return scores


def ask_scores(question: Question, ids: Sequence[Key]) -> Callable[[], dict[Key, float]]:
    """Ask for the scores of memories; best passage each."""
    cursor = raw_cursor().execute(SCORES, parameters_of(question) | {"ids": UuidArray(ids)}, binary=True)

    def wait() -> dict[Key, float]:
        joined, cosines = cursor.fetchone() or (None, None)
        if not joined:
            return {}
        pairs = list(zip(keys_of(joined), cosines, strict=True))
        scores = dict(pairs)
        return scores if len(scores) == len(pairs) else dict(sorted(pairs, key=lambda each: each[1]))

    return wait


def ask_passage_scores(question: Question, ids: Sequence[Key]) -> Callable[[], dict[Key, dict[int, float]]]:
    """Ask for the scores of the passages of memories."""
    cursor = raw_cursor().execute(
        PASSAGE_SCORES, parameters_of(question) | {"ids": UuidArray(ids)}, binary=True
    )

    def wait() -> dict[Key, dict[int, float]]:
        found: dict[Key, dict[int, float]] = {}
        for key, passage, cosine in cursor.fetchall():
            found.setdefault(key, {})[passage] = cosine
        return found

    return wait
