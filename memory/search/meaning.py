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

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import TupleRow

from liftos.db import HalfVec, raw_cursor
from memory.search.arms import Found
from memory.search.corpus import get_corpus
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
_WITHOUT_OTHERS = {"enable_seqscan": "off"}
# Without joins by hash or merge, what the graph brings is looked up in the filters row by row; with them the filters'
# rows, which may be most of the organisation's, would be read first.
_GRAPH_SETTINGS = dict.fromkeys(
    (
        "enable_bitmapscan", "enable_sort", "enable_hashjoin", "enable_mergejoin", "enable_hashagg", "enable_material",
    ),
    "off",
) | {"hnsw.iterative_scan": "relaxed_order", "hnsw.ef_search": str(EF_SEARCH)}  # fmt: skip

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

    def find(self, question: Question, limit: int) -> Found:
        """Return the nearest memories. See `memory.search.arms.Arm`."""
        condition, parameters = where(question.request, "memory_id")
        parameters |= self._parameters(question) | {"limit": limit}
        documents = get_corpus(question.organisation).documents
        if documents <= EXACT_ROWS or not is_indexed(question.model_id):
            # IS NOT FALSE: a look-up among the filter's ids for each row read, instead of a read for each of the ids
            return Found(self._exact(f"({condition}) IS NOT FALSE", parameters), "exact")
        reach = max(EF_SEARCH, MARGIN * limit)
        found = self._graph(question, condition, parameters, documents, reach)
        if len(found) < limit and len(found) / reach * documents > FILTERED_ROWS:
            reach = int(SECOND_REACH * MARGIN * limit * reach / len(found))
            found = self._graph(question, condition, parameters, documents, reach)
        if len(found) >= limit:
            return Found(found, "graph")
        # never fewer rows than exist
        with raw_cursor() as cursor, _settings(cursor, _WITHOUT_OTHERS):
            return Found(self._exact(condition, parameters), "exact after graph")

    def score(self, question: Question, ids: list[UUID]) -> dict[UUID, float]:
        """Return the cosine of given memories."""
        with raw_cursor() as cursor:
            return dict(cursor.execute(_SCORES, self._parameters(question) | {"ids": ids}).fetchall())

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

    def _exact(self, condition: str, parameters: dict[str, Any]) -> dict[UUID, float]:
        with raw_cursor() as cursor:
            return dict(cursor.execute(_EXACT.format(where=condition), parameters).fetchall())

    def _graph(
        self, question: Question, condition: str, parameters: dict[str, Any], documents: int, reach: int
    ) -> dict[UUID, float]:
        assert question.vector is not None  # noqa: S101
        statement = _GRAPH.format(where=condition, dimension=len(question.vector), model=question.model_id)
        enough = MARGIN * parameters["limit"]
        settings = _GRAPH_SETTINGS | {"hnsw.max_scan_tuples": str(documents // ROWS_PER_VISIT)}
        with raw_cursor() as cursor, _settings(cursor, settings):
            rows = cursor.execute(statement, parameters | {"enough": enough, "reach": reach}).fetchall()
        return dict(rows)


@contextmanager
def _settings(cursor: psycopg.Cursor[TupleRow], settings: Mapping[str, str]) -> Iterator[None]:
    """Change Postgres' settings for a block; rolling back to the savepoint gives every one its earlier value."""
    changes = "; ".join(f"SET LOCAL {name} = {value}" for name, value in settings.items())
    cursor.execute(f"SAVEPOINT settings; {changes}")
    yield
    # not after an error: the transaction is then lost, and with it the settings
    cursor.execute("ROLLBACK TO SAVEPOINT settings; RELEASE SAVEPOINT settings")
