"""The arm of words: BM25 over an inverted index in Postgres, with the organisation's own statistics.

Source: Robertson & Zaragoza 2009, "The Probabilistic Relevance Framework: BM25 and Beyond"; the idf is Lucene's,
which is never negative. Postgres' own ts_rank knows no document frequencies, and its GIN operators are not leakproof,
so that under row-level security they can't use their index (design, section 4).
"""

from typing import Any
from uuid import UUID

from liftos.db import raw_cursor
from memory.search.arms import Found
from memory.search.corpus import get_corpus
from memory.search.filters import where
from memory.search.fusion import scale_from_floor
from memory.search.types import Question, SearchType
from memory.text import count_terms

K1 = 1.2
B = 0.75
# Above this many memories, a term that stands in more than a tenth of them is left out while rarer ones exist: it
# says little and costs most (measured: p95 25 ms with, 9 ms without, at 50,000).
DENSE_FROM = 5_000
DENSE_SHARE = 10
MAX_QUERY_TERMS = 64

# df is counted up to the cap: a term is either rare, and its count exact, or dense, and its count beside the point.
_CHOSEN = """
asked AS (SELECT * FROM unnest(%(terms)s::text[], %(weights)s::float8[]) AS a(term, weight)),
counted AS MATERIALIZED (
    SELECT asked.term, asked.weight, (
        SELECT count(*) FROM (
            SELECT 1 FROM memory_posting AS p
            WHERE p.organisation_id = %(organisation)s AND p.term = asked.term LIMIT %(cap)s + 1
        ) AS capped
    ) AS df FROM asked
),
chosen AS MATERIALIZED (
    SELECT term, weight * ln(1 + (%(documents)s - df + 0.5) / (df + 0.5)) AS idf FROM counted
    WHERE df > 0 AND (df <= %(cap)s OR NOT EXISTS (SELECT 1 FROM counted WHERE df BETWEEN 1 AND %(cap)s))
)
"""
_SCORE = """
sum(chosen.idf * p.tf * (%(k1)s + 1.0) / (p.tf + %(k1)s * (1 - %(b)s + %(b)s * p.length / %(average)s)))::float8
"""

_FIND = """
WITH {chosen}
SELECT p.memory_id, {score} AS score
FROM chosen JOIN memory_posting AS p ON p.organisation_id = %(organisation)s AND p.term = chosen.term
WHERE {where}
GROUP BY p.memory_id ORDER BY score DESC, p.memory_id LIMIT %(limit)s
"""

_SCORES = """
WITH {chosen}
SELECT p.memory_id, {score}
FROM unnest(%(ids)s::uuid[]) AS wanted(id) CROSS JOIN chosen
JOIN memory_posting AS p
  ON p.organisation_id = %(organisation)s AND p.term = chosen.term AND p.memory_id = wanted.id
GROUP BY p.memory_id
"""


class WordsArm:
    """BM25 of the query's words in a memory: 0 where none stands in it, unbounded above."""

    name = "words"
    search_types = frozenset({SearchType.KNOWLEDGE, SearchType.HYBRID})

    def can_answer(self, question: Question) -> bool:
        """Words can always be looked up."""
        del question
        return True

    def find(self, question: Question, limit: int) -> Found:
        """Return the memories with the highest BM25. See `memory.search.arms.Arm`."""
        parameters = self._parameters(question)
        if not parameters["terms"]:
            return Found(plan="no words")
        condition, values = where(question.request, "p.memory_id")
        statement = _FIND.format(chosen=_CHOSEN, score=_SCORE, where=condition)
        with raw_cursor() as cursor:
            rows = cursor.execute(statement, parameters | values | {"limit": limit}).fetchall()
        return Found(dict(rows), "postings")

    def score(self, question: Question, ids: list[UUID]) -> dict[UUID, float]:
        """Return the BM25 of given memories."""
        parameters = self._parameters(question)
        if not parameters["terms"]:
            return {}
        with raw_cursor() as cursor:
            statement = _SCORES.format(chosen=_CHOSEN, score=_SCORE)
            return dict(cursor.execute(statement, parameters | {"ids": ids}).fetchall())

    def shares(self, scores: dict[UUID, float]) -> dict[UUID, float]:
        """Return BM25 as a share of the best."""
        return scale_from_floor(scores, 0.0)

    def alone(self, scores: dict[UUID, float]) -> dict[UUID, float]:
        """Return BM25 as a share of the best: its own scale has no end."""
        return self.shares(scores)

    def _parameters(self, question: Question) -> dict[str, Any]:
        counts = count_terms(question.request.query).most_common(MAX_QUERY_TERMS)
        corpus = get_corpus(question.organisation)
        dense = corpus.documents > DENSE_FROM
        return {
            "organisation": question.organisation,
            "terms": [term for term, _ in counts],
            "weights": [float(count) for _, count in counts],
            "documents": float(corpus.documents),
            "average": corpus.average_length,
            "cap": corpus.documents // DENSE_SHARE if dense else max(1, corpus.documents),
            "k1": K1,
            "b": B,
        }
