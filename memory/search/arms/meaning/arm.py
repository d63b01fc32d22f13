"""The arm of meaning: cosine nearness of embeddings, by whichever plan finds the true neighbours.

The planner can't be left alone here. Measured on 100,000 vectors of 1,000 organisations (`manage.py bench search`):
left to itself it takes the graph without iterating for every organisation of 1,000 rows or more, which finds .97 of the
ten nearest where the organisation has half of the table, .62 where it has a tenth, and sometimes no row at all. So:

- up to EXACT_ROWS every vector of the organisation that passes the filters is compared;
- above, the graph is asked for the organisation's nearest, and those are filtered. The nearest rows tell what the filter
  lets through here better than a count of all rows would, and cost less;
- a graph that ends with too few rows answers nothing: every vector that passes is compared after all.

Each plan has its own statement text: a generic plan cached under one text would ignore the settings made for another.
"""

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

import numpy as np
import psycopg
from psycopg.rows import TupleRow

from liftos.kernel.db.binary import HalfVec, UuidArray
from liftos.kernel.db.transactions import raw_cursor
from liftos.kernel.precedence import give_way, giving_way
from memory.index.collection_statistics import documents_about
from memory.index.vector_graph import is_indexed
from memory.search.arms.interface import Found
from memory.search.filters import where
from memory.search.hits import COLUMNS, HEADS, Row
from memory.search.keys import figures, keys_of
from memory.search.snippet_budget import bytes_each
from memory.search.types import Key, Question, SearchRequest, SearchType

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
# An organisation that is no larger is read whole anyway: then all its figures come, and none is asked for later.
ALL_ROWS = 1_000
# From so many questions on, the vectors of an organisation below EXACT_ROWS are read once (2.5 us each) and compared here
# (0.1 us a question) instead of being compared by Postgres anew for each (0.65 us).
TOGETHER = 5
# A visited element of the graph costs three rows of reading everything: it may waste half of what that takes.
ROWS_PER_VISIT = 6
EF_SEARCH = 100

# one row for each place that is asked: the ids one after the other, and the figures beside them
_FIGURES = "SELECT {place}, string_agg(uuid_send(memory_id), ''), array_agg(1 - distance) FROM ({nearest}) AS nearest"
# A search by meaning alone returns what it finds: read here, it takes neither a statement nor a round trip of its own.
_ROWS = f"""
SELECT nearest.place, 1 - nearest.distance, {COLUMNS} FROM ({{nearest}}) AS nearest
JOIN memory_memory AS m ON m.organisation_id = %(organisation)s AND m.id = nearest.memory_id {HEADS}
ORDER BY nearest.distance, nearest.memory_id
"""  # noqa: S608  texts of our own
_PLACED = "SELECT {place} AS place, memory_id, distance FROM ({nearest}) AS nearest{place}"

_EXACT = """
SELECT memory_id, embedding <=> %(vector)s::halfvec AS distance FROM memory_memoryvector
WHERE organisation_id = %(organisation)s AND model_id = %(model)s AND {where}
ORDER BY distance, memory_id LIMIT %(limit)s
"""

_VECTORS = """
SELECT string_agg(uuid_send(memory_id), ''), string_agg(halfvec_send(embedding), '') FROM memory_memoryvector
WHERE organisation_id = %(organisation)s AND model_id = %(model)s AND {where}
"""

# The inner limit keeps the filter out of the index scan; it is pulled row by row until the outer limit is reached.
_GRAPH = """
WITH near AS MATERIALIZED (
    SELECT memory_id, distance FROM (
        SELECT memory_id, embedding::halfvec({dimension}) <=> %(vector)s::halfvec({dimension}) AS distance
        FROM memory_memoryvector WHERE organisation_id = %(organisation)s AND model_id = {model} AND in_graph
        ORDER BY embedding::halfvec({dimension}) <=> %(vector)s::halfvec({dimension}) LIMIT %(reach)s
    ) AS visited
    WHERE {where} LIMIT %(enough)s
)
SELECT * FROM near ORDER BY distance, memory_id LIMIT %(limit)s
"""

# Reading the table from end to end reads the other organisations' rows, which row-level security then hides.
_WITHOUT_OTHERS = ("enable_seqscan",)
# Without joins by hash or merge, what the graph brings is looked up in the filters row by row; with them the filters'
# rows, which may be most of the organisation's, would be read first.
_ONLY_GRAPH = (
    "enable_seqscan", "enable_bitmapscan", "enable_sort", "enable_hashjoin", "enable_mergejoin", "enable_hashagg", "enable_material",
)  # fmt: skip

_SCORES = """
SELECT string_agg(uuid_send(memory_id), ''), array_agg(1 - (embedding <=> %(vector)s::halfvec)) FROM memory_memoryvector
WHERE organisation_id = %(organisation)s AND model_id = %(model)s AND memory_id = ANY(%(ids)s)
"""


class MeaningArm:
    """Nearness of the query's embedding to a memory's: cosine, -1 to 1."""

    name = "meaning"
    search_types = frozenset({SearchType.NEURAL, SearchType.HYBRID})

    def prepare(self, organisation: UUID, queries: Sequence[str], request: SearchRequest) -> list[Any]:
        """Have nothing made ready: the search itself embeds the queries."""
        del organisation, queries, request
        return []

    def can_answer(self, question: Question) -> bool:
        """Tell whether the query has a vector."""
        return question.vector is not None

    def find(self, questions: Sequence[Question], limit: int) -> Callable[[], list[Found]]:
        """Ask for the nearest memories. See `memory.search.arms.interface.Arm`."""
        first = questions[0]
        condition, values = where(first.request, "memory_id")
        values |= {"room": bytes_each(first.request.limit)}
        documents = documents_about(first.organisation)
        # a search by meaning alone asks no other arm about the rest
        alone = first.request.search_type is SearchType.NEURAL
        rows: Rows | None = {} if alone and len(questions) == 1 and not first.request.known_at else None
        if documents <= EXACT_ROWS or not is_indexed(first.model_id):
            # IS NOT FALSE: a look-up among the filter's ids for each row read, instead of a read for each of the ids
            exact = f"({condition}) IS NOT FALSE"
            enough = max(limit, ALL_ROWS) if not alone and documents <= ALL_ROWS else limit
            if len(questions) >= TOGETHER and documents <= EXACT_ROWS:
                return self._read_once(questions, exact, values, limit)
            waiting = [self._exact(each, exact, values | {"limit": enough}, rows) for each in questions]
            return lambda: [_found(wait()[0], limit, enough, rows) for wait in waiting]
        _search_graph(documents)
        graphs = [
            self._find_in_graph(each, condition, values | {"limit": limit}, documents, rows)
            for each in questions
        ]
        if rows is None:
            # where nothing else is asked, the transaction's end undoes it
            _search_otherwise()
        return lambda: [wait() for wait in graphs]

    def score(self, question: Question, found: Found, ids: Sequence[Key]) -> Callable[[], dict[Key, float]]:
        """Ask for the cosine of given memories."""
        del found
        values = self._parameters(question) | {"ids": UuidArray(ids)}
        return figures(raw_cursor().execute(_SCORES, values, binary=True))

    def _parameters(self, question: Question) -> dict[str, Any]:
        assert question.vector is not None  # noqa: S101  can_answer said so
        return {
            "organisation": question.organisation,
            "model": question.model_id,
            "vector": HalfVec(question.vector),
        }

    def _exact(
        self, question: Question, condition: str, values: dict[str, Any], rows: Rows | None
    ) -> Callable[[], list[dict[Key, float]]]:
        return _ask([_EXACT.format(where=condition)], values | self._parameters(question), rows)

    def _read_once(
        self, questions: Sequence[Question], condition: str, values: dict[str, Any], limit: int
    ) -> Callable[[], list[Found]]:
        """Compare all vectors with all questions here: read once, they cost less than comparing them anew for each."""
        values = values | {"organisation": questions[0].organisation, "model": questions[0].model_id}
        cursor = raw_cursor().execute(_VECTORS.format(where=condition), values, binary=True)

        def wait() -> list[Found]:
            ids, packed = cursor.fetchone() or (None, None)
            if not ids:
                return [Found(plan="exact", is_complete=True) for _ in questions]
            give_way()
            keys = keys_of(ids)
            places = {key: place for place, key in enumerate(keys)}
            give_way()
            vectors = _unpack(packed, len(keys))
            give_way()
            # rounded to 16 bits, as Postgres compares it
            asked = np.stack([np.asarray(each.vector, np.float16) for each in questions], axis=1).astype(
                np.float32
            )
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
        assert question.vector is not None  # noqa: S101  can_answer said so
        limit = values["limit"]
        reach = max(EF_SEARCH, MARGIN * limit)
        values = values | self._parameters(question) | {"enough": MARGIN * limit, "reach": reach}
        graph = _GRAPH.format(where=condition, dimension=len(question.vector), model=question.model_id)
        outside = _EXACT.format(where=f"NOT in_graph AND ({condition}) IS NOT FALSE")
        first = _ask([graph, outside], values, rows)

        def wait() -> Found:
            found, others = first()
            if len(found) < limit and len(found) / reach * documents > FILTERED_ROWS:
                further = int(SECOND_REACH * MARGIN * limit * reach / len(found))
                _search_graph(documents)
                more = _ask([graph], values | {"reach": further}, rows)
                _search_otherwise()
                [found] = more()
            if len(found) >= limit:
                return _nearer(found, others, limit, rows)
            # never fewer rows than exist
            _search_otherwise()
            _switch(_WITHOUT_OTHERS, "off")
            every = self._exact(question, condition, values, rows)
            _switch(_WITHOUT_OTHERS, None)
            [scores] = every()
            return Found(list(scores), scores, "exact after graph", rows=rows)

        return wait


def _ask(
    nearest: Sequence[str], values: dict[str, Any], rows: Rows | None
) -> Callable[[], list[dict[Key, float]]]:
    """Ask in one statement for the nearest of several places and their figures, best first.

    Args:
        nearest: a query of memory_id and distance for each place.
        values: the parameters of all of them.
        rows: where rows are wanted, the memories are added to them.
    """
    if rows is None:
        parts = [_FIGURES.format(place=place, nearest=each) for place, each in enumerate(nearest)]
        statement = " UNION ALL ".join(parts)
    else:
        parts = [_PLACED.format(place=place, nearest=each) for place, each in enumerate(nearest)]
        statement = _ROWS.format(nearest=" UNION ALL ".join(parts))
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


def _found(scores: dict[Key, float], limit: int, enough: int, rows: Rows | None) -> Found:
    return Found(list(scores)[:limit], scores, "exact", is_complete=len(scores) < enough, rows=rows)


def _nearer(graph: dict[Key, float], outside: dict[Key, float], limit: int, rows: Rows | None) -> Found:
    """Return the best of what the graph brought and of what has not been put into it yet."""
    if not outside:
        return Found(list(graph), graph, "graph", rows=rows)
    scores = graph | outside
    best = sorted(scores, key=lambda key: (-scores[key], key))[:limit]
    return Found(best, scores, "graph", rows=rows)


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

    return Found(list(scores), scores, "exact", is_complete=len(scores) == len(keys), look_up=look_up)


def _unpack(packed: bytes, count: int) -> np.ndarray:
    """Return halfvecs that stand one after the other in binary form as float32, shape (count, d)."""
    words = np.frombuffer(packed, ">f2").reshape(count, -1)
    return words[:, 2:].astype(np.float32)  # before the values stand the dimension and a zero, 16 bits each


def _switch(settings: tuple[str, ...], value: str | None) -> psycopg.Cursor[TupleRow]:
    """Set Postgres' settings until the transaction ends; None gives each the session's own value."""
    return raw_cursor().execute(f"SELECT {_calls(settings)}", {"switch": value})


def _search_graph(documents: int) -> None:
    """Have the statements that follow planned for the graph, in an organisation of so many memories."""
    _settle(
        switch="off",
        order="relaxed_order",
        breadth=str(EF_SEARCH),
        most=str(documents // ROWS_PER_VISIT),
        # there is only one way left, and finding it anew each time takes a quarter of the search
        planned="force_generic_plan",
    )


def _search_otherwise() -> None:
    """Have them planned as the session has it."""
    _settle(switch=None, order=None, breadth=None, most=None, planned=None)


def _settle(**values: str | None) -> None:
    """Set what a search in the graph needs, the plans that are not the graph's among it, in one statement."""
    statement = f"""
    SELECT {_calls(_ONLY_GRAPH)}, set_config('hnsw.iterative_scan', %(order)s, true),
           set_config('hnsw.ef_search', %(breadth)s, true), set_config('hnsw.max_scan_tuples', %(most)s, true),
           set_config('plan_cache_mode', %(planned)s, true)
    """
    raw_cursor().execute(statement, values)


def _calls(settings: tuple[str, ...]) -> str:
    return ", ".join(f"set_config('{name}', %(switch)s, true)" for name in settings)
