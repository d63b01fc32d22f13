"""The meaning arm: cosine similarity of embeddings, by whichever plan finds the true neighbours.

- up to EXACT_ROWS every vector of the organisation that passes the filters is compared;
- above, the graph is asked for the organisation's nearest, and those are filtered. The nearest rows tell what the filter
  lets through here better than a count of all rows would, and cost less;
- a graph that ends with too few rows answers nothing: every vector that passes is compared after all.

Each plan has its own statement text: a generic plan cached under one text would ignore the settings made for another.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple
from uuid import UUID

import numpy as np

from liftos.kernel.db.binary import HalfVec, UuidArray, unpack_halfvecs
from liftos.kernel.db.transactions import raw_cursor
from liftos.kernel.embedding.catalogue import model_number
from liftos.kernel.precedence import give_way, giving_way
from liftos.kernel.telemetry.tracing.tracer import TRACER
from memory.index.collection_statistics import documents_about
from memory.index.embeddings import active_manager
from memory.index.vector_graph import is_indexed
from memory.search.arms.interface import Arm, Found
from memory.search.arms.meaning.planner_settings import (
    EF_SEARCH,
    plan_as_usual,
    plan_for_graph,
    plan_with_table_scan,
    plan_without_table_scan,
)
from memory.search.arms.meaning.statements import EXACT, GRAPH, PLACED, ROWS, SCORES, SCORES_OF, VECTORS
from memory.search.filter_sql import where
from memory.search.keys import keys_of
from memory.search.snippet_budget import bytes_each
from memory.search.types import Key, Question, Row, SearchRequest, SearchType

Rows = dict[Key, Row]

# Reading every vector misses none and costs 0.65 us a row: 10 ms. The graph is quicker from about 2,000 rows on where
# the question is about what the organisation knows; where it is not, at 10% of the table's rows, it finds half.
EXACT_ROWS = 15_000
# The graph's order is relaxed, so twice the limit is taken and sorted: recall .99 instead of .95 at a low share.
MARGIN = 2
# The share of the first rows that a filter lets through tells how many rows it lets through in all. Up to so many are
# read by id, at 2 us and more each; if more, the graph is asked again, as far as that share makes necessary.
FILTERED_ROWS = 2_000
SECOND_REACH = 1.5
# below this cosine texts have little to do with each other
RELATED = 0.3
# The vectors of an organisation this small are all compared anyway: all cosines are returned, and none is asked for later.
ALL_ROWS = 1_000
# From so many questions on, the vectors of an organisation below EXACT_ROWS are read once (2.5 us each) and compared here
# (0.1 us a question) instead of being compared by Postgres anew for each (0.65 us).
BATCH_FROM = 5


class QueryVector(NamedTuple):
    """A query's embedding, float32, shape (d,), and the number of the model that made it."""

    vector: np.ndarray
    model: int


class MeaningArm(Arm):
    """Nearness of the query's embedding to a memory's: cosine, -1 to 1."""

    name = "meaning"
    search_types = frozenset({SearchType.NEURAL, SearchType.HYBRID})

    def prepare(
        self, organisation: UUID, queries: Sequence[str], request: SearchRequest
    ) -> Sequence[QueryVector]:
        """Embed all queries in one call, by the model the organisation is searched by."""
        del request
        manager = active_manager(organisation)
        with TRACER.span("memory.embed"):
            vectors = manager.embed_many(queries, organisation=organisation)
        model = model_number(manager.model)
        return [QueryVector(vector, model) for vector in vectors]

    def relatedness(self, raw: float) -> float | None:
        """Return the cosine over RELATED, at most 1: texts that have nothing to do with each other stay below that."""
        return min(1.0, max(0.0, raw) / RELATED)

    def versions(self, question: Question) -> dict[str, Any]:
        """Return the number of the embedding model."""
        return {"embedding_model": _asked(question).model}

    def find(self, questions: Sequence[Question], limit: int) -> Callable[[], list[Found]]:
        """Ask for the nearest memories. See `memory.search.arms.interface.Arm`."""
        first = questions[0]
        condition, values = where(first.request, "memory_id")
        values |= {"room": bytes_each(first.request.limit)}
        documents = documents_about(first.organisation)
        # a search by this arm alone asks for no other scores, and reads the memories next
        alone = first.request.is_by_one_arm
        rows: Rows | None = {} if alone and len(questions) == 1 and not first.request.known_at else None
        if documents <= EXACT_ROWS or not is_indexed(_asked(first).model):
            # IS NOT FALSE: a look-up among the filter's ids for each row read, instead of a read for each of the ids
            exact = f"({condition}) IS NOT FALSE"
            enough = max(limit, ALL_ROWS) if not alone and documents <= ALL_ROWS else limit
            if len(questions) >= BATCH_FROM and documents <= EXACT_ROWS:
                return self._read_once(questions, exact, values, limit)
            waiting = [
                (each, self._exact(each, exact, values | {"limit": enough}, rows)) for each in questions
            ]
            return lambda: [_compared(each, wait()[0], enough, rows) for each, wait in waiting]
        plan_for_graph(documents)
        graphs = [
            self._find_in_graph(each, condition, values | {"limit": limit}, documents, rows)
            for each in questions
        ]
        if rows is None:
            # where nothing else is asked, the transaction's end undoes it
            plan_as_usual()
        return lambda: [wait() for wait in graphs]

    def _exact(
        self, question: Question, condition: str, values: dict[str, Any], rows: Rows | None
    ) -> Callable[[], list[dict[Key, float]]]:
        return _ask([EXACT.format(where=condition)], values | _parameters(question), rows)

    def _read_once(
        self, questions: Sequence[Question], condition: str, values: dict[str, Any], limit: int
    ) -> Callable[[], list[Found]]:
        """Compare all vectors with all questions here: read once, they cost less than comparing them anew for each."""
        values = values | {"organisation": questions[0].organisation, "model": _asked(questions[0]).model}
        cursor = raw_cursor().execute(VECTORS.format(where=condition), values, binary=True)

        def wait() -> list[Found]:
            ids, packed = cursor.fetchone() or (None, None)
            if not ids:
                return [Found(plan="exact") for _ in questions]
            give_way()
            keys = keys_of(ids)
            places = {key: place for place, key in enumerate(keys)}
            give_way()
            vectors = unpack_halfvecs(packed, len(keys))
            give_way()
            # rounded to 16 bits, as Postgres compares it
            asked = np.stack(
                [np.asarray(_asked(each).vector, np.float16) for each in questions], axis=1
            ).astype(np.float32)
            norms = np.linalg.norm(vectors, axis=1, keepdims=True) * np.linalg.norm(asked, axis=0)
            cosines = (vectors @ asked) / np.maximum(norms, np.finfo(np.float32).tiny)
            return [_nearest(keys, places, column, limit) for column in giving_way(cosines.T)]

        return wait

    def _find_in_graph(
        self,
        question: Question,
        condition: str,
        values: dict[str, Any],
        documents: int,
        rows: Rows | None,
    ) -> Callable[[], Found]:
        vector, model = _asked(question)
        limit = values["limit"]
        reach = max(EF_SEARCH, MARGIN * limit)
        values = values | _parameters(question) | {"enough": MARGIN * limit, "reach": reach}
        graph = GRAPH.format(where=condition, dimension=len(vector), model=model)
        outside = EXACT.format(where=f"NOT in_graph AND ({condition}) IS NOT FALSE")
        first = _ask([graph, outside], values, rows)

        def wait() -> Found:
            found, others = first()
            if len(found) < limit and len(found) / reach * documents > FILTERED_ROWS:
                further = int(SECOND_REACH * MARGIN * limit * reach / len(found))
                plan_for_graph(documents)
                more = _ask([graph], values | {"reach": further}, rows)
                plan_as_usual()
                [found] = more()
            if len(found) >= limit:
                return _nearer(question, found, others, rows)
            # never fewer rows than exist
            plan_as_usual()
            plan_without_table_scan()
            every = self._exact(question, condition, values, rows)
            plan_with_table_scan()
            [scores] = every()
            return Found(scores, "exact after graph", ask=partial(_ask_scores, question), rows=rows)

        return wait


def _asked(question: Question) -> QueryVector:
    prepared: QueryVector = question.prepared[MeaningArm.name]
    return prepared


def _parameters(question: Question) -> dict[str, Any]:
    vector, model = _asked(question)
    return {"organisation": question.organisation, "model": model, "vector": HalfVec(vector)}


def _ask(
    nearest: Sequence[str], values: dict[str, Any], rows: Rows | None
) -> Callable[[], list[dict[Key, float]]]:
    """Ask in one statement for the results of several queries for nearest memories, best first.

    Args:
        nearest: SQL of each, giving memory_id and distance.
        values: the parameters of all of them.
        rows: the memories are added to it, unless it is None.
    """
    if rows is None:
        parts = [SCORES_OF.format(place=place, nearest=each) for place, each in enumerate(nearest)]
        statement = " UNION ALL ".join(parts)
    else:
        parts = [PLACED.format(place=place, nearest=each) for place, each in enumerate(nearest)]
        statement = ROWS.format(nearest=" UNION ALL ".join(parts))
    cursor = raw_cursor().execute(statement, values, binary=True)

    def wait() -> list[dict[Key, float]]:
        found: list[dict[Key, float]] = [{} for _ in nearest]
        for place, *row in cursor.fetchall():
            if rows is not None:
                key = row[1].bytes
                found[place][key], rows[key] = row[0], tuple(row[2:])
            elif row[0] is not None:
                found[place] = dict(zip(keys_of(row[0]), row[1], strict=True))
        return found

    return wait


def _ask_scores(question: Question, ids: Sequence[Key]) -> Callable[[], dict[Key, float]]:
    cursor = raw_cursor().execute(SCORES, _parameters(question) | {"ids": UuidArray(ids)}, binary=True)

    def wait() -> dict[Key, float]:
        joined, cosines = cursor.fetchone() or (None, None)
        return dict(zip(keys_of(joined), cosines, strict=True)) if joined else {}

    return wait


def _compared(question: Question, scores: dict[Key, float], enough: int, rows: Rows | None) -> Found:
    # fewer than wanted: all that pass the filters are among them
    ask = partial(_ask_scores, question) if len(scores) >= enough else None
    return Found(scores, "exact", ask=ask, rows=rows)


def _nearer(
    question: Question, graph: dict[Key, float], outside: dict[Key, float], rows: Rows | None
) -> Found:
    """Return the best of what the graph brought and of what has not been put into it yet."""
    scores = graph
    if outside:
        scores = dict(sorted((graph | outside).items(), key=lambda each: (-each[1], each[0])))
    return Found(scores, "graph", ask=partial(_ask_scores, question), rows=rows)


def _nearest(keys: Sequence[Key], places: dict[Key, int], cosines: np.ndarray, limit: int) -> Found:
    """Return an organisation's cosines, shape (n,), as what an arm found."""
    if len(keys) > limit:
        nearest = np.flatnonzero(cosines >= np.partition(cosines, len(keys) - limit)[len(keys) - limit])
    else:
        nearest = np.arange(len(keys))
    near = [
        (-cosine, keys[place])
        for cosine, place in zip(cosines[nearest].tolist(), nearest.tolist(), strict=True)
    ]
    scores = {key: -distance for distance, key in sorted(near)[:limit]}

    def look_up(memories: Sequence[Key]) -> dict[Key, float]:
        known = [key for key in memories if key in places]
        return dict(zip(known, cosines[[places[key] for key in known]].tolist(), strict=True))

    return Found(scores, "exact", look_up=look_up if len(scores) < len(keys) else None)
