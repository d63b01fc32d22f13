"""The arm of meaning: cosine nearness of embeddings, by whichever plan finds the true neighbours.

The planner can't be left alone here. Measured on 100,000 vectors of 1,000 organisations: left to itself it scans 50,000
rows (34 ms where the graph takes 2), and for an organisation with 2.5% of the rows it takes the graph without
iterating and returns 0.9 of 10 rows. So the plan is chosen from the number of rows that can be found, and each plan
has its own statement text: a generic plan cached under one text would ignore the settings made for another.
"""

from typing import Any
from uuid import UUID

from liftos.db import HalfVec, raw_cursor
from memory.search.arms import Found
from memory.search.corpus import get_corpus
from memory.search.filters import where
from memory.search.fusion import scale_from_floor
from memory.search.types import Question, SearchType
from memory.vector_index import is_indexed

# up to here reading every vector is as quick as the graph and never misses one (0.9 us a row)
EXACT_ROWS = 10_000

_EXACT = """
WITH near AS MATERIALIZED (
    SELECT memory_id, 1 - (embedding <=> %(vector)s::halfvec) AS score
    FROM memory_memoryvector
    WHERE organisation_id = %(organisation)s AND model_id = %(model)s AND {where}
)
SELECT memory_id, score FROM near ORDER BY score DESC, memory_id LIMIT %(limit)s
"""

# IS NOT FALSE keeps the planner from turning the filter into a join, which would lose the index's order
_GRAPH = """
WITH near AS MATERIALIZED (
    SELECT memory_id, 1 - (embedding::halfvec({dimension}) <=> %(vector)s::halfvec({dimension})) AS score
    FROM memory_memoryvector
    WHERE organisation_id = %(organisation)s AND model_id = {model} AND ({where}) IS NOT FALSE
    ORDER BY embedding::halfvec({dimension}) <=> %(vector)s::halfvec({dimension})
    LIMIT %(limit)s
)
SELECT memory_id, score FROM near ORDER BY score DESC, memory_id
"""

_GRAPH_ON = """
SELECT set_config('enable_seqscan', 'off', true), set_config('enable_bitmapscan', 'off', true),
       set_config('enable_sort', 'off', true), set_config('hnsw.iterative_scan', 'relaxed_order', true),
       set_config('hnsw.max_scan_tuples', '60000', true), set_config('hnsw.ef_search', %s, true)
"""
_GRAPH_OFF = """
SELECT set_config('enable_seqscan', 'on', true), set_config('enable_bitmapscan', 'on', true),
       set_config('enable_sort', 'on', true)
"""

_ELIGIBLE = """
SELECT count(*) FROM (
    SELECT 1 FROM memory_memoryvector
    WHERE organisation_id = %(organisation)s AND model_id = %(model)s AND {where} LIMIT %(most)s
) AS eligible
"""

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
        if self._rows_are_few(question, condition, parameters):
            return Found(self._exact(condition, parameters), "exact")
        found = self._graph(question, condition, parameters, limit)
        if len(found) < limit:
            # the graph gave up before it saw enough of this organisation's rows: never fewer rows than exist
            return Found(self._exact(condition, parameters), "exact after graph")
        return Found(found, "graph")

    def score(self, question: Question, ids: list[UUID]) -> dict[UUID, float]:
        """Return the cosine of given memories."""
        with raw_cursor() as cursor:
            return dict(cursor.execute(_SCORES, self._parameters(question) | {"ids": ids}).fetchall())

    def shares(self, scores: dict[UUID, float]) -> dict[UUID, float]:
        """Return cosines on a scale from the candidates' lowest to their highest."""
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

    def _rows_are_few(self, question: Question, condition: str, parameters: dict[str, Any]) -> bool:
        if not is_indexed(question.model_id):
            return True
        if get_corpus(question.organisation).documents <= EXACT_ROWS:
            return True
        if not question.request.is_filtered:
            return False
        with raw_cursor() as cursor:
            statement = _ELIGIBLE.format(where=condition)
            row = cursor.execute(statement, parameters | {"most": EXACT_ROWS + 1}).fetchone()
        return row is not None and row[0] <= EXACT_ROWS

    def _exact(self, condition: str, parameters: dict[str, Any]) -> dict[UUID, float]:
        with raw_cursor() as cursor:
            return dict(cursor.execute(_EXACT.format(where=condition), parameters).fetchall())

    def _graph(
        self, question: Question, condition: str, parameters: dict[str, Any], limit: int
    ) -> dict[UUID, float]:
        assert question.vector is not None  # noqa: S101
        statement = _GRAPH.format(where=condition, dimension=len(question.vector), model=question.model_id)
        with raw_cursor() as cursor:
            cursor.execute(_GRAPH_ON, [str(max(100, 2 * limit))])
            found: dict[UUID, float] = dict(cursor.execute(statement, parameters).fetchall())
            cursor.execute(_GRAPH_OFF)
        return found
