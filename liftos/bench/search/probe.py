"""Runs searches, times them and compares them with the truth."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from liftos.bench.search.data import DIMENSION, nearest
from liftos.bench.search.loading import PLAIN, Loaded
from liftos.kernel.db.binary import HalfVec
from liftos.kernel.db.transactions import raw_cursor, tenant_transaction
from memory.search.arms.interface import Found
from memory.search.types import Key, Question

DEPTH = 10
# scores this close are ties: the database sums 16-bit products in another order
TIE = 1e-4

# the naive statement, with the plan left to the planner
_AS_PLANNED = f"""
SELECT memory_id, 1 - (embedding::halfvec({DIMENSION}) <=> %(vector)s::halfvec({DIMENSION})) FROM {PLAIN}
WHERE organisation_id = %(organisation)s AND model_id = %(model)s
ORDER BY embedding::halfvec({DIMENSION}) <=> %(vector)s::halfvec({DIMENSION}) LIMIT %(limit)s
"""  # noqa: S608  a number of ours

Find = Callable[[Sequence[Question], int], Callable[[], list[Found]]]


class Truth:
    """The expected results of searching one organisation with one filter."""

    def __init__(self, organisation: Loaded, passing: NDArray[np.bool_]) -> None:
        """Compute the truth for the rows that pass the filter."""
        self._ids = np.flatnonzero(passing)
        self._place = {organisation.ids[row].bytes: place for place, row in enumerate(self._ids)}
        self._vectors = organisation.material.vectors[self._ids]

    @property
    def rows(self) -> int:
        """Number of rows that can be found."""
        return len(self._ids)

    def recall(self, found: Sequence[Key], vector: NDArray[np.float32]) -> float:
        """Return the recall of the ten nearest (or of all, if fewer) among the first ten found."""
        wanted = min(DEPTH, self.rows)
        if not wanted:
            return 1.0
        scores = nearest(self._vectors, vector)
        bound = np.partition(scores, -wanted)[-wanted] - TIE
        best = found[:DEPTH]
        # a memory that isn't among those that pass is a wrong answer, and a failure of the filter
        return float(sum(scores[self._place[memory]] >= bound for memory in best)) / wanted


@dataclass(slots=True)
class Probe:
    """Results of a series of searches.

    Attributes:
        times_ms: per search.
        recalls: per search.
        short: the largest number of rows missing from min(limit, existing rows).
        plans: count by plan.
    """

    times_ms: list[float] = field(default_factory=list)
    recalls: list[float] = field(default_factory=list)
    short: int = 0
    plans: Counter[str] = field(default_factory=Counter)

    def percentile_ms(self, percent: float) -> float:
        """Return this quantile of the times."""
        return float(np.percentile(self.times_ms, percent))

    @property
    def recall(self) -> float:
        """The mean recall."""
        return float(np.mean(self.recalls))

    def ask(self, find: Find, question: Question, limit: int, truth: Truth | None = None) -> None:
        """Search once in its own transaction and record the result."""
        with tenant_transaction(question.organisation):
            started = perf_counter()
            [found] = find([question], limit)()
            self.times_ms.append((perf_counter() - started) * 1e3)
        self.plans[found.plan] += 1
        if truth is not None:
            best = found.candidates(limit)
            self.recalls.append(truth.recall(best, question.prepared["meaning"].vector))
            self.short = max(self.short, min(limit, truth.rows) - len(best))


def find_as_planned(questions: Sequence[Question], limit: int) -> Callable[[], list[Found]]:
    """Return what the naive statement finds with the planner's plan."""
    [question] = questions
    vector, model = question.prepared["meaning"][:2]
    values: dict[str, Any] = {
        "vector": HalfVec(vector),
        "organisation": question.organisation,
        "model": model,
        "limit": limit,
    }
    cursor = raw_cursor().execute(_AS_PLANNED, values)

    def wait() -> list[Found]:
        scores = {row[0].bytes: row[1] for row in cursor.fetchall()}
        return [Found(scores, "planner")]

    return wait


def warm(find: Find, questions: Sequence[Question], limit: int) -> None:
    """Search without recording, to bring pages into memory."""
    unseen = Probe()
    for question in questions:
        unseen.ask(find, question, limit)
