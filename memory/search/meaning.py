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

from collections.abc import Callable
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import TupleRow

from liftos.db import HalfVec, raw_cursor
from memory.search.arms import Found
from memory.search.corpus import documents_about
from memory.search.filters import where
from memory.search.fusion import scale_from_floor
from memory.search.types import Question, SearchType
from memory.vector_index import is_indexed

# Reading every vector misses none and costs 0.65 us a row: 10 ms. The graph is quicker from about 2,000 rows on where
# the question is about what the organisation knows; where it is not, at 10% of the table's rows, it finds half.
EXACT_ROWS = 15_000
# The graph's order is relaxed, so twice the limit is taken and sorted: recall .99 instead of .95 at a low share.
MARGIN = 2
# The share of the first rows that a filter lets through tells how many rows it lets through in all. Up to so many are
# read by id, at 2 us and more each; if more, the graph is asked again, as far as that share makes necessary.
FILTERED_ROWS = 2_000
SECOND_REACH = 1.5
# A visited element of the graph costs three rows of reading everything: it may waste half of what that takes.
ROWS_PER_VISIT = 6
EF_SEARCH = 100

_EXACT = """
SELECT memory_id, 1 - distance FROM (
    SELECT memory_id, embedding <=> %(vector)s::halfvec AS distance FROM memory_memoryvector
    WHERE organisation_id = %(organisation)s AND model_id = %(model)s AND {where}
    ORDER BY distance, memory_id LIMIT %(limit)s
) AS nearest
"""

# The inner limit keeps the filter out of the index scan; it is pulled row by row until the outer limit is reached.
_GRAPH = """
WITH near AS MATERIALIZED (
    SELECT memory_id, distance FROM (
        SELECT memory_id, embedding::halfvec({dimension}) <=> %(vector)s::halfvec({dimension}) AS distance
        FROM memory_memoryvector WHERE organisation_id = %(organisation)s AND model_id = {model}
        ORDER BY embedding::halfvec({dimension}) <=> %(vector)s::halfvec({dimension}) LIMIT %(reach)s
    ) AS visited
    WHERE {where} LIMIT %(enough)s
)
SELECT memory_id, 1 - distance FROM near ORDER BY distance, memory_id LIMIT %(limit)s
"""

# Reading the table from end to end reads the other organisations' rows, which row-level security then hides.
_WITHOUT_OTHERS = ("enable_seqscan",)
# Without joins by hash or merge, what the graph brings is looked up in the filters row by row; with them the filters'
# rows, which may be most of the organisation's, would be read first.
_ONLY_GRAPH = (
    "enable_bitmapscan", "enable_sort", "enable_hashjoin", "enable_mergejoin", "enable_hashagg", "enable_material",
)  # fmt: skip

_SCORES = """
SELECT memory_id, 1 - (embedding <=> %(vector)s::halfvec) FROM memory_memoryvector
WHERE organisation_id = %(organisation)s AND model_id = %(model)s AND memory_id = ANY(%(ids)s)
"""


class MeaningArm:
    """Nearness of the query's embedding to a memory's: cosine, -1 to 1."""

    name = "meaning"
    search_types = frozenset({SearchType.NEURAL, SearchType.HYBRID})

    def can_answer(self, question: Question) -> bool:
        """Tell whether the query has a vector."""
        return question.vector is not None

    def find(self, question: Question, limit: int) -> Callable[[], Found]:
        """Ask for the nearest memories. See `memory.search.arms.Arm`."""
        condition, parameters = where(question.request, "memory_id")
        parameters |= self._parameters(question) | {"limit": limit}
        documents = documents_about(question.organisation)
        if documents <= EXACT_ROWS or not is_indexed(question.model_id):
            # IS NOT FALSE: a look-up among the filter's ids for each row read, instead of a read for each of the ids
            rows = self._exact(f"({condition}) IS NOT FALSE", parameters)
            return lambda: Found(rows(), "exact")
        reach = max(EF_SEARCH, MARGIN * limit)
        rows = self._graph(question, condition, parameters, documents, reach)
        return lambda: self._complete(question, condition, parameters, documents, reach, rows())

    def score(self, question: Question, ids: list[UUID]) -> Callable[[], dict[UUID, float]]:
        """Ask for the cosine of given memories."""
        cursor = raw_cursor().execute(_SCORES, self._parameters(question) | {"ids": ids})
        return lambda: dict(cursor.fetchall())

    def shares(self, scores: dict[UUID, float]) -> dict[UUID, float]:
        """Return cosines as shares of the best; one below 0 is worth nothing."""
        return scale_from_floor(scores, 0.0)

    def alone(self, scores: dict[UUID, float]) -> dict[UUID, float]:
        """Return the cosine itself, which means the same in every search; below 0 counts as 0."""
        return {memory: max(0.0, value) for memory, value in scores.items()}

    def _parameters(self, question: Question) -> dict[str, Any]:
        assert question.vector is not None  # noqa: S101  can_answer said so
        return {
            "organisation": question.organisation,
            "model": question.model_id,
            "vector": HalfVec(question.vector),
        }

    def _complete(
        self,
        question: Question,
        condition: str,
        parameters: dict[str, Any],
        documents: int,
        reach: int,
        found: dict[UUID, float],
    ) -> Found:
        """Go on where the graph brought less than was asked for: further, and at last through every vector."""
        limit = parameters["limit"]
        if len(found) < limit and len(found) / reach * documents > FILTERED_ROWS:
            reach = int(SECOND_REACH * MARGIN * limit * reach / len(found))
            found = self._graph(question, condition, parameters, documents, reach)()
        if len(found) >= limit:
            return Found(found, "graph")
        # never fewer rows than exist
        _switch(_WITHOUT_OTHERS, "off")
        rows = self._exact(condition, parameters)
        _switch(_WITHOUT_OTHERS, None)
        return Found(rows(), "exact after graph")

    def _exact(self, condition: str, parameters: dict[str, Any]) -> Callable[[], dict[UUID, float]]:
        cursor = raw_cursor().execute(_EXACT.format(where=condition), parameters)
        return lambda: dict(cursor.fetchall())

    def _graph(
        self, question: Question, condition: str, parameters: dict[str, Any], documents: int, reach: int
    ) -> Callable[[], dict[UUID, float]]:
        assert question.vector is not None  # noqa: S101
        statement = _GRAPH.format(where=condition, dimension=len(question.vector), model=question.model_id)
        enough = MARGIN * parameters["limit"]
        _switch(_ONLY_GRAPH, "off")
        _search_graph("relaxed_order", str(EF_SEARCH), str(documents // ROWS_PER_VISIT))
        cursor = raw_cursor().execute(statement, parameters | {"enough": enough, "reach": reach})
        _search_graph(None, None, None)
        _switch(_ONLY_GRAPH, None)
        return lambda: dict(cursor.fetchall())


def _switch(settings: tuple[str, ...], value: str | None) -> psycopg.Cursor[TupleRow]:
    """Set Postgres' settings until the transaction ends; None gives each the session's own value."""
    calls = ", ".join(f"set_config('{name}', %(value)s, true)" for name in settings)
    return raw_cursor().execute(f"SELECT {calls}", {"value": value})


def _search_graph(order: str | None, breadth: str | None, most: str | None) -> psycopg.Cursor[TupleRow]:
    statement = """
    SELECT set_config('hnsw.iterative_scan', %s, true), set_config('hnsw.ef_search', %s, true),
           set_config('hnsw.max_scan_tuples', %s, true)
    """
    return raw_cursor().execute(statement, (order, breadth, most))
