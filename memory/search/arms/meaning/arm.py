"""The meaning arm: nearest neighbours by cosine similarity of embeddings.

- up to EXACT_ROWS visible memories: compare every vector that passes the filters;
- above: search the HNSW graph, then filter. The nearest rows show the filter's local selectivity better than a count over all
  rows would, at less cost;
- if the graph yields too few memories: compare every vector that passes the filters.

Rows are vectors of passages; a memory is as near as its nearest passage. Where memories have several, more rows are read than memories
are wanted, and if a few long memories still take all of them, the rows are grouped by memory in Postgres.

Each plan has its own statement text, because a generic plan cached for a text ignores later planner settings.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any
from uuid import UUID

import numpy as np

from liftos.kernel.db.binary import unpack_halfvecs
from liftos.kernel.db.transactions import raw_cursor
from liftos.kernel.embedding import Extent, TextKind
from liftos.kernel.embedding.catalogue import model_number
from liftos.kernel.precedence import give_way, giving_way
from liftos.kernel.telemetry.tracing.tracer import TRACER
from memory.index.collection_statistics import approximate_corpus, approximate_whole, visible_scopes
from memory.index.embeddings import active_manager
from memory.index.vector_graph import is_indexed
from memory.search.arms.interface import Arm, Found, NotAsked
from memory.search.arms.meaning.asking import (
    NAME,
    QueryVector,
    Rows,
    ask,
    ask_passage_scores,
    ask_scores,
    asked_of,
    parameters_of,
)
from memory.search.arms.meaning.planner_settings import (
    EF_SEARCH,
    plan_as_usual,
    plan_for_graph,
    plan_with_table_scan,
    plan_without_table_scan,
)
from memory.search.arms.meaning.statements import (
    EXACT,
    EXACT_BY_MEMORY,
    GRAPH,
    VECTORS,
)
from memory.search.filter_sql import where
from memory.search.keys import keys_of
from memory.search.snippet_budget import bytes_each
from memory.search.types import Key, Question, SearchRequest, SearchType

# Comparing every vector costs 0.65 us a row, 10 ms here, and misses none. The graph is faster from about 2,000 rows for questions
# close to the organisation's memories; for others, at 10% of the table's rows, it finds only half of the neighbours.
EXACT_ROWS = 15_000
# The graph is shared by all who see parts of an organisation. For a viewer of less than this share of it, it must be searched so far that
# comparing the vectors by the index on scopes costs no more, and misses none: 51 ms beside 20 to 32 at a tenth of 100,000, 38 beside 29 to
# 47 at a twentieth, where the graph's recall falls to .98 (docs/performance.md). Up to this many vectors are compared then.
GRAPH_SHARE = 0.1
NARROW_EXACT_ROWS = 60_000
# The graph returns rows in relaxed order, so fetch twice the limit and sort: recall .99 instead of .95 for small organisations.
MARGIN = 2
# The filter's selectivity on the first rows gives an estimate of all rows that pass. Up to this many are read by id, at 2 us or
# more each; otherwise the graph is searched again, as far as the selectivity requires.
FILTERED_ROWS = 2_000
SECOND_REACH = 1.5
# In an organisation this small all cosines are returned at once, which saves a second statement.
ALL_ROWS = 1_000
# In an organisation with long memories, this many rows are read for each memory wanted. Of a hundred reports of 50 passages the 30
# nearest memories are mostly among the 150 nearest passages.
CROWDED = 5
# For batches from this size, vectors of organisations up to EXACT_ROWS are read once (2.5 us each) and compared in numpy (0.1 us
# per question) rather than by Postgres for each question (0.65 us).
BATCH_FROM = 5


UNREADABLE = NotAsked("unreadable")


# evidence of cosines in a language that the model was not made for
FOREIGN = 0.1


class MeaningArm(Arm):
    """Cosine similarity of the embeddings of the query and of the memory's nearest passage, -1 to 1."""

    name = NAME
    search_types = frozenset({SearchType.NEURAL, SearchType.HYBRID})
    weight = 0.5

    def prepare(
        self, organisation: UUID, queries: Sequence[str], request: SearchRequest
    ) -> Sequence[QueryVector | NotAsked]:
        """Embed all queries that the organisation's model can read, in one call."""
        del request
        manager = active_manager(organisation)
        with TRACER.span("memory.embed"):
            is_read = [extent is not Extent.NOTHING for extent in manager.extents(queries)]
            read = [query for query, reads in zip(queries, is_read, strict=True) if reads]
            vectors = iter(manager.embed_many(read, kind=TextKind.QUERY, organisation=organisation))
        model, profile = model_number(manager.model), manager.profile
        return [QueryVector(next(vectors), model, profile) if reads else UNREADABLE for reads in is_read]

    def versions(self, question: Question) -> dict[str, Any]:
        """Return the number of the embedding model."""
        return {"embedding_model": asked_of(question).model}

    def find(self, questions: Sequence[Question], limit: int) -> Callable[[], list[Found]]:
        """Search for the nearest memories. See `memory.search.arms.interface.Arm`."""
        finding, profile = self._find(questions, limit), asked_of(questions[0]).profile
        evidence = [
            1.0 if profile.is_for(question.language) else FOREIGN for question in giving_way(questions)
        ]
        # the plain scale's share is the cosine itself
        share_of = None if profile.has_plain_scale else profile.share

        def wait() -> list[Found]:
            return [
                found
                if share_of is None and counts == 1
                else replace(found, share_of=share_of, evidence=counts)
                for found, counts in zip(finding(), evidence, strict=True)
            ]

        return wait

    def _find(self, questions: Sequence[Question], limit: int) -> Callable[[], list[Found]]:
        first = questions[0]
        condition, values = where(first.request, "memory_id")
        values |= {"room": bytes_each(first.request.limit)}
        corpus = approximate_corpus(first.organisation)
        documents = corpus.documents
        # rows that are read for `limit` memories
        wide = limit * CROWDED if corpus.has_long else limit
        # as the only arm it needs no further scores, and can join the rows that are read next
        alone = first.request.is_by_one_arm
        joins = alone and len(questions) == 1 and not first.request.known_at and not corpus.has_long
        rows: Rows | None = {} if joins else None
        whole = approximate_whole(first.organisation)
        within, scopes = visible_scopes() if documents < whole else ("", [])
        values |= {"scopes": scopes} if within else {}
        most = NARROW_EXACT_ROWS if documents < GRAPH_SHARE * whole else EXACT_ROWS
        if documents <= most or not is_indexed(asked_of(first).model):
            exact = _per_vector(condition, within)
            if not alone and documents <= ALL_ROWS:
                wide = max(wide, ALL_ROWS)
            if len(questions) >= BATCH_FROM and documents <= EXACT_ROWS:
                return self._read_once(questions, exact, values, limit)
            waiting = [
                (each, self._exact(each, exact, values | {"limit": wide}, limit, rows)) for each in questions
            ]
            return lambda: [_compared(each, *wait(), rows) for each, wait in waiting]
        plan_for_graph(documents)
        graphs = [
            self._find_in_graph(each, (condition, within), values | {"limit": wide}, limit, documents, rows)
            for each in questions
        ]
        if rows is None:
            # if rows are joined no statement follows, and the settings end with the transaction
            plan_as_usual()
        return lambda: [wait() for wait in graphs]

    def _exact(
        self, question: Question, condition: str, values: dict[str, Any], limit: int, rows: Rows | None
    ) -> Callable[[], tuple[dict[Key, float], bool]]:
        """Send an exact search; its result is the scores of `limit` memories or more, and whether these are all that pass."""
        values = values | parameters_of(question)
        first = ask([EXACT.format(where=condition)], values, rows)

        def wait() -> tuple[dict[Key, float], bool]:
            [(scores, count)] = first()
            if count < values["limit"] or len(scores) >= limit:
                return scores, count < values["limit"]
            grouped = ask([EXACT_BY_MEMORY.format(where=condition)], values | {"limit": limit}, rows)
            [(scores, count)] = grouped()
            return scores, count < limit

        return wait

    def _read_once(
        self, questions: Sequence[Question], condition: str, values: dict[str, Any], limit: int
    ) -> Callable[[], list[Found]]:
        """Read all vectors once and compare them with all questions in numpy."""
        values = values | {"organisation": questions[0].organisation, "model": asked_of(questions[0]).model}
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
            # round to 16 bits, as Postgres does
            asked = np.stack(
                [np.asarray(asked_of(each).vector, np.float16) for each in questions], axis=1
            ).astype(np.float32)
            norms = np.linalg.norm(vectors, axis=1, keepdims=True) * np.linalg.norm(asked, axis=0)
            cosines = (vectors @ asked) / np.maximum(norms, np.finfo(np.float32).tiny)
            if len(places) < len(keys):
                keys, places, cosines = _by_memory(keys, cosines)
            return [
                _nearest(each, keys, places, column, limit)
                for each, column in giving_way(zip(questions, cosines.T, strict=True))
            ]

        return wait

    def _find_in_graph(
        self,
        question: Question,
        tests: tuple[str, str],
        values: dict[str, Any],
        limit: int,
        documents: int,
        rows: Rows | None,
    ) -> Callable[[], Found]:
        condition, within = tests
        vector, model, _ = asked_of(question)
        wide = values["limit"]
        reach = max(EF_SEARCH, MARGIN * wide)
        values = values | parameters_of(question) | {"enough": MARGIN * wide, "reach": reach}
        graph = GRAPH.format(where=condition, dimension=len(vector), model=model)
        outside = EXACT.format(where=f"NOT in_graph AND {_per_vector(condition, within)}")
        first = ask([graph, outside], values, rows)

        def wait() -> Found:
            (found, count), (others, _) = first()
            further: dict[str, int] = {}
            if len(found) < limit and count >= wide:
                # a few long memories took all rows
                further = {
                    "limit": CROWDED * wide,
                    "enough": MARGIN * CROWDED * wide,
                    "reach": CROWDED * reach,
                }
            elif len(found) < limit and count / reach * documents > FILTERED_ROWS:
                further = {"reach": int(SECOND_REACH * MARGIN * wide * reach / count)}
            if further:
                plan_for_graph(documents)
                more = ask([graph], values | further, rows)
                plan_as_usual()
                [(found, _)] = more()
            if len(found) >= limit:
                return _nearer(question, found, others, rows)
            # the graph missed rows: compare all
            plan_as_usual()
            plan_without_table_scan()
            every = self._exact(question, f"{condition}{within}", values, limit, rows)
            plan_with_table_scan()
            scores, _ = every()
            return _found(question, scores, "exact after graph", partial(ask_scores, question), rows)

        return wait


def _per_vector(condition: str, within: str) -> str:
    """Return a test of vectors by the filters and the visible scopes.

    IS NOT FALSE makes the planner probe the filter per vector instead of reading a vector per filtered id.
    """
    return f"({condition}) IS NOT FALSE{within}"


def _found(
    question: Question,
    scores: dict[Key, float],
    plan: str,
    ask: Callable[[Sequence[Key]], Callable[[], dict[Key, float]]] | None,
    rows: Rows | None = None,
) -> Found:
    return Found(scores, plan, ask=ask, score_passages=partial(ask_passage_scores, question), rows=rows)


def _compared(question: Question, scores: dict[Key, float], is_all: bool, rows: Rows | None) -> Found:
    return _found(question, scores, "exact", None if is_all else partial(ask_scores, question), rows)


def _nearer(
    question: Question, graph: dict[Key, float], outside: dict[Key, float], rows: Rows | None
) -> Found:
    """Merge results from the graph with those of vectors not yet in it."""
    scores = graph
    if outside:
        best = {key: max(graph.get(key, -1.0), outside.get(key, -1.0)) for key in graph | outside}
        scores = dict(sorted(best.items(), key=lambda each: (-each[1], each[0])))
    return _found(question, scores, "graph", partial(ask_scores, question), rows)


def _by_memory(keys: Sequence[Key], cosines: np.ndarray) -> tuple[list[Key], dict[Key, int], np.ndarray]:
    """Reduce the cosines of passages, shape (n, questions), to those of memories; with their keys and places."""
    memories = list(dict.fromkeys(keys))
    places = {key: place for place, key in enumerate(memories)}
    owners = np.fromiter((places[key] for key in keys), np.int64, len(keys))
    order = np.argsort(owners, kind="stable")
    starts = np.searchsorted(owners[order], np.arange(len(memories)))
    return memories, places, np.maximum.reduceat(cosines[order], starts, axis=0)


def _nearest(
    question: Question, keys: Sequence[Key], places: dict[Key, int], cosines: np.ndarray, limit: int
) -> Found:
    """Return the best `limit` of an organisation's cosines, shape (n,)."""
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

    return Found(
        scores,
        "exact",
        look_up=look_up if len(scores) < len(keys) else None,
        score_passages=partial(ask_passage_scores, question),
    )
