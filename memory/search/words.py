"""The arm of words: BM25 over an inverted index in Postgres, with the organisation's own statistics.

Source: Robertson & Zaragoza 2009, "The Probabilistic Relevance Framework: BM25 and Beyond"; the idf is Lucene's,
which is never negative; k1 and b are Anserini's defaults for short passages (Yang, Fang & Lin 2017). Postgres' own ts_rank knows no document frequencies, and its GIN operators are not leakproof,
so that under row-level security they can't use their index (design, section 4).
"""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from liftos.db import raw_cursor
from memory.search.arms import Found
from memory.search.filters import where
from memory.search.fusion import scale_from_floor
from memory.search.types import Question, SearchType

K1 = 0.9
B = 0.4
# Above this many memories, a term that stands in more than a tenth of them is left out while rarer ones exist: it
# says little and costs most (measured: p95 25 ms with, 9 ms without, at 50,000).
DENSE_FROM = 5_000
DENSE_SHARE = 10
# a thread is long and its length says little: its counts are only saturated
THREAD_K = 2.0

# The statistics are read within the statement, as of its own snapshot, so they are right under every write.
# df is counted up to the cap: a term is either rare, and its count exact, or dense, and its count beside the point.
_CHOSEN = """
corpus AS MATERIALIZED (
    SELECT coalesce(sum(documents), 0)::float8 AS documents, coalesce(sum(words), 0)::float8 AS words,
           coalesce(sum(threads), 0)::float8 AS threads
    FROM memory_corpuscounter WHERE organisation_id = %(organisation)s
),
bound AS MATERIALIZED (
    SELECT CASE WHEN documents > %(dense_from)s THEN floor(documents / %(dense_share)s) ELSE greatest(1, documents) END::bigint
        AS cap, documents, greatest(1, words / greatest(1, documents)) AS average, threads FROM corpus
),
asked AS (SELECT * FROM unnest(%(terms)s::text[], %(weights)s::float8[]) AS a(term, weight)),
counted AS MATERIALIZED (
    SELECT asked.term, asked.weight, (
        SELECT count(*) FROM (
            SELECT 1 FROM memory_posting AS p
            WHERE p.organisation_id = %(organisation)s AND p.term = asked.term LIMIT (SELECT cap + 1 FROM bound)
        ) AS capped
    ) AS df FROM asked
),
chosen AS MATERIALIZED (
    SELECT term, weight, weight * ln(1 + (documents - df + 0.5) / (df + 0.5)) AS idf, average, threads
    FROM counted CROSS JOIN bound
    WHERE df > 0 AND (df <= cap OR NOT EXISTS (SELECT 1 FROM counted WHERE df BETWEEN 1 AND (SELECT cap FROM bound)))
)
"""
_SCORE = """
sum(idf * p.tf * (%(k1)s + 1.0) / (p.tf + %(k1)s * (1 - %(b)s + %(b)s * p.length / average)))::float8
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

# Nothing is read where the organisation has no threads. A term's idf is that among threads.
_THREADS = """
WITH {chosen},
held AS (
    SELECT p.term, p.thread_id, sum(p.tf)::float8 AS tf, weight, threads
    FROM chosen JOIN memory_posting AS p ON p.organisation_id = %(organisation)s AND p.term = chosen.term
    WHERE p.thread_id IS NOT NULL AND (SELECT threads FROM corpus) > 0
    GROUP BY p.term, p.thread_id, weight, threads
),
weighed AS (SELECT *, count(*) OVER (PARTITION BY term) AS df FROM held)
SELECT thread_id, sum(weight * ln(1 + greatest(0, threads - df + 0.5) / (df + 0.5)) * tf / (tf + %(k)s))::float8 AS score
FROM weighed GROUP BY thread_id ORDER BY score DESC, thread_id LIMIT %(limit)s
"""
MAX_THREADS = 200


class WordsArm:
    """BM25 of the query's words in a memory: 0 where none stands in it, unbounded above."""

    name = "words"
    search_types = frozenset({SearchType.KNOWLEDGE, SearchType.HYBRID})

    def can_answer(self, question: Question) -> bool:
        """Words can always be looked up."""
        del question
        return True

    def find(self, question: Question, limit: int) -> Callable[[], Found]:
        """Ask for the memories with the highest BM25. See `memory.search.arms.Arm`."""
        if not question.wording.terms:
            return lambda: Found(plan="no words")
        condition, values = where(question.request, "p.memory_id")
        statement = _FIND.format(chosen=_CHOSEN, score=_SCORE, where=condition)
        cursor = raw_cursor().execute(statement, self._parameters(question) | values | {"limit": limit})
        return lambda: Found(dict(cursor.fetchall()), "postings")

    def score(self, question: Question, ids: list[UUID]) -> Callable[[], dict[UUID, float]]:
        """Ask for the BM25 of given memories."""
        if not question.wording.terms:
            return dict
        statement = _SCORES.format(chosen=_CHOSEN, score=_SCORE)
        cursor = raw_cursor().execute(statement, self._parameters(question) | {"ids": ids})
        return lambda: dict(cursor.fetchall())

    def shares(self, scores: dict[UUID, float]) -> dict[UUID, float]:
        """Return BM25 as a share of the best."""
        return scale_from_floor(scores, 0.0)

    def alone(self, scores: dict[UUID, float]) -> dict[UUID, float]:
        """Return BM25 as a share of the best: its own scale has no end."""
        return self.shares(scores)

    def _parameters(self, question: Question) -> dict[str, Any]:
        return _parameters(question) | {"k1": K1, "b": B}


def find_threads(question: Question) -> Callable[[], dict[int, float]]:
    """Ask how well each thread as a whole holds the question's words: thread number to figure, the best 200."""
    if not question.wording.terms:
        return dict
    values = _parameters(question) | {"k": THREAD_K, "limit": MAX_THREADS}
    cursor = raw_cursor().execute(_THREADS.format(chosen=_CHOSEN), values)
    return lambda: dict(cursor.fetchall())


def _parameters(question: Question) -> dict[str, Any]:
    terms = question.wording.terms
    return {
        "organisation": question.organisation,
        "terms": list(terms),
        "weights": [float(count) for count in terms.values()],
        "dense_from": DENSE_FROM,
        "dense_share": DENSE_SHARE,
    }
