"""The arm of words: BM25 over an inverted index in Postgres, with the organisation's own statistics (memory/search/arms/words/bm25.py).

Postgres' own ts_rank knows no document frequencies, and its GIN operators are not leakproof, so that under row-level
security they can't use their index (design, section 4). Two ways to the same figures:

- the postings of the queries' terms are read, each once for all questions, and added up here: in small organisations, and for
  batches, in which a question then costs some arrays' sums, a tenth of what Postgres takes to add them up;
- Postgres adds up and sends the best, where a single question's terms may stand in thousands of memories.
"""

from collections.abc import Callable, Collection, Container, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

import numpy as np

from liftos.kernel.db.binary import TextArray, UuidArray
from liftos.kernel.db.transactions import raw_cursor, send_now
from liftos.kernel.precedence import giving_way
from memory.index.collection_statistics import Corpus, dense_among, documents_about, remember_dense
from memory.search.arms.interface import Found
from memory.search.arms.words.bm25 import K1, MAX_THREADS, THREAD_K, AmbiguousIds, B, Postings, Scorer
from memory.search.filters import where
from memory.search.keys import elements, figures, keys_of
from memory.search.types import Key, Question, SearchRequest, SearchType

# Above this many memories, a term that stands in more than a tenth of them is left out while rarer ones exist: it
# says little and costs most (measured: p95 25 ms with, 9 ms without, at 50,000).
DENSE_FROM = 5_000
DENSE_SHARE = 10
# Postings are added up here for one question up to this many memories, and for a batch that shares them at any size: at 1,000
# memories both ways take about 2 ms for one question.
HERE_FOR_ONE = 1_000
TOGETHER = 5
# of 41 bytes each; terms beyond that are left to Postgres, question by question
MOST_POSTINGS = 4_000_000

# The statistics are read within the statement, as of its own snapshot, so they are right under every write.
# df is counted up to the cap: a term is either rare, and its count exact, or dense, and its count beside the point. Counting a dense
# term is most of the work, so that one was dense is remembered for some seconds (`memory.index.collection_statistics`).
_BOUND = """
corpus AS MATERIALIZED (
    SELECT coalesce(sum(documents), 0)::float8 AS documents, coalesce(sum(words), 0)::float8 AS words,
           coalesce(sum(threads), 0)::float8 AS threads
    FROM memory_corpuscounter WHERE organisation_id = %(organisation)s
),
bound AS MATERIALIZED (
    SELECT CASE WHEN documents > %(dense_from)s THEN floor(documents / %(dense_share)s) ELSE greatest(1, documents) END::bigint
        AS cap, documents, words, greatest(1, words / greatest(1, documents)) AS average, threads FROM corpus
)
"""
# array_send: as bytes that numpy reads where they lie
_POSTINGS = f"""
WITH {_BOUND}
SELECT t.term, sent.*, cap::int, documents::bigint, words::bigint, threads::bigint
FROM bound CROSS JOIN unnest(%(terms)s::text[]) AS t(term) CROSS JOIN LATERAL (
    SELECT array_send(array_agg(memory_id)), array_send(array_agg(tf)), array_send(array_agg(length)),
           array_send(array_agg(coalesce(thread_id, 0))), array_send(array_agg(passes))
    FROM (
        SELECT p.memory_id, p.tf, p.length, p.thread_id, {{where}} AS passes FROM memory_posting AS p
        WHERE p.organisation_id = %(organisation)s AND p.term = t.term LIMIT cap + 1
    ) AS held
) AS sent
"""  # noqa: S608  texts of our own
_CHOSEN = f"""
{_BOUND},
asked AS (SELECT * FROM unnest(%(terms)s::text[], %(weights)s::float8[], %(dense)s::boolean[]) AS a(term, weight, dense)),
counted AS MATERIALIZED (
    SELECT asked.term, asked.weight, CASE WHEN asked.dense THEN (SELECT cap + 1 FROM bound) ELSE (
        SELECT count(*) FROM (
            SELECT 1 FROM memory_posting AS p
            WHERE p.organisation_id = %(organisation)s AND p.term = asked.term LIMIT (SELECT cap + 1 FROM bound)
        ) AS capped
    ) END AS df FROM asked
),
chosen AS MATERIALIZED (
    SELECT term, weight, weight * ln(1 + (documents - df + 0.5) / (df + 0.5)) AS idf, average, threads
    FROM counted CROSS JOIN bound
    WHERE df > 0 AND (df <= cap OR NOT EXISTS (SELECT 1 FROM counted WHERE df BETWEEN 1 AND (SELECT cap FROM bound)))
)
"""  # noqa: S608  texts of our own
# One pass over the postings for memories and for threads. A thread's idf is that among threads.
_FIND = """
WITH {chosen},
held AS MATERIALIZED (
    SELECT p.memory_id, p.thread_id, chosen.term, weight, p.tf,
           idf * p.tf * (%(k1)s + 1.0) / (p.tf + %(k1)s * (1 - %(b)s + %(b)s * p.length / average)) AS part
    FROM chosen JOIN memory_posting AS p ON p.organisation_id = %(organisation)s AND p.term = chosen.term
),
memories AS (
    SELECT memory_id, sum(part)::float8 AS score FROM held WHERE {where}
    GROUP BY memory_id ORDER BY score DESC, memory_id LIMIT %(limit)s
),
counts AS (
    SELECT term, thread_id, weight, sum(tf)::float8 AS tf FROM held WHERE thread_id IS NOT NULL GROUP BY term, thread_id, weight
),
weighed AS (SELECT *, count(*) OVER (PARTITION BY term) AS df FROM counts),
threads AS (
    SELECT thread_id, sum(
        weight * ln(1 + greatest(0, (SELECT threads FROM corpus) - df + 0.5) / (df + 0.5)) * tf / (tf + %(thread_k)s)
    )::float8 AS score FROM weighed GROUP BY thread_id ORDER BY score DESC, thread_id LIMIT %(most_threads)s
)
SELECT
    (SELECT string_agg(uuid_send(memory_id), '') FROM memories), (SELECT array_agg(score) FROM memories),
    (SELECT array_agg(thread_id) FROM threads), (SELECT array_agg(score) FROM threads),
    (SELECT sum(weight * ln(1 + (documents - df + 0.5) / (df + 0.5))) FROM counted CROSS JOIN bound
     WHERE df = 0 OR term IN (SELECT term FROM chosen))::float8,
    (SELECT array_agg(term) FROM chosen), (SELECT array_agg(idf) FROM chosen), (SELECT average FROM bound),
    (SELECT array_agg(term) FROM counted CROSS JOIN bound WHERE df > cap)
"""

# by the statistics that the finding was done by
_SCORES = """
SELECT string_agg(uuid_send(memory_id), ''), array_agg(score) FROM (
    SELECT p.memory_id, sum(
        idf * p.tf * (%(k1)s + 1.0) / (p.tf + %(k1)s * (1 - %(b)s + %(b)s * p.length / %(average)s::float8))
    )::float8 AS score
    FROM unnest(%(ids)s::uuid[]) AS wanted(id) CROSS JOIN unnest(%(terms)s::text[], %(idfs)s::float8[]) AS chosen(term, idf)
    JOIN memory_posting AS p
      ON p.organisation_id = %(organisation)s AND p.term = chosen.term AND p.memory_id = wanted.id
    GROUP BY p.memory_id
) AS scored
"""
# so many figures come in any case: where fewer memories hold a word of the query, none is asked for later
ALL_ROWS = 300


@dataclass(frozen=True, slots=True)
class _Statistics:
    """What a question's terms are worth in an organisation, whose memories have so many words on average."""

    terms: Sequence[str]
    idfs: Sequence[float]
    average: float


class WordsArm:
    """BM25 of the query's words in a memory: 0 where none stands in it, unbounded above."""

    name = "words"
    search_types = frozenset({SearchType.KNOWLEDGE, SearchType.HYBRID})

    def prepare(self, organisation: UUID, queries: Sequence[str], request: SearchRequest) -> list[Any]:
        """Have nothing made ready: the search itself embeds the queries."""
        del organisation, queries, request
        return []

    def can_answer(self, question: Question) -> bool:
        """Words can always be looked up."""
        del question
        return True

    def find(self, questions: Sequence[Question], limit: int) -> Callable[[], list[Found]]:
        """Ask for the memories with the highest BM25, and for the threads that hold the words best."""
        terms = {term for question in giving_way(questions) for term in question.wording.terms}
        dense = dense_among(questions[0].organisation, terms)
        if (wanted := terms - dense) and _are_for_here(questions, len(wanted)):
            return self._add_up_here(questions, wanted, dense, limit)
        waiting = [self._add_up_there(question, limit) for question in giving_way(questions)]
        return lambda: [wait() for wait in waiting]

    def _add_up_here(
        self, questions: Sequence[Question], wanted: Collection[str], dense: frozenset[str], limit: int
    ) -> Callable[[], list[Found]]:
        organisation = questions[0].organisation
        is_batch = len(questions) >= TOGETHER
        condition, values = where(questions[0].request, "p.memory_id", of_many=is_batch)
        values |= _bounds() | {"organisation": organisation, "terms": TextArray(wanted)}
        cursor = raw_cursor().execute(_POSTINGS.format(where=condition), values, binary=True)
        if is_batch:
            # there is much to do with the answer, while Postgres is at what is asked after it
            send_now()

        def wait() -> list[Found]:
            rows = cursor.fetchall()
            cap, *counts = rows[0][6:]
            postings = {row[0]: _postings(*row[1:6]) for row in giving_way(rows) if row[1] is not None}
            too_many = {term for term, each in postings.items() if len(each.counts) > cap}
            if too_many:
                remember_dense(organisation, too_many)
            known = {term: each for term, each in postings.items() if term not in too_many}
            try:
                scorer = Scorer(known, Corpus(*counts))
            except AmbiguousIds:
                return [self._add_up_there(question, limit)() for question in questions]
            return [
                self._of(question, scorer, known, dense | too_many, limit)
                for question in giving_way(questions)
            ]

        return wait

    def _of(
        self, question: Question, scorer: Scorer, known: Container[str], dense: frozenset[str], limit: int
    ) -> Found:
        """Return what was found for a question; dense terms are left out where it says others that stand somewhere."""
        terms = question.wording.terms
        if dense.intersection(terms):
            if not any(term in known for term in terms):
                return self._add_up_there(question, limit)()
            terms = {term: said for term, said in terms.items() if term not in dense}
        scores = scorer.score(terms)
        found = scorer.best(scores, limit)
        return Found(
            list(found),
            found,
            "postings",
            scorer.attainable(terms),
            is_complete=len(found) < limit,
            threads=scorer.threads(terms),
            look_up=partial(scorer.look_up, scores),
        )

    def _add_up_there(self, question: Question, limit: int) -> Callable[[], Found]:
        if not question.wording.terms:
            return lambda: Found(plan="no words", is_complete=True)
        condition, values = where(question.request, "memory_id")
        enough = max(limit, ALL_ROWS)
        values |= {"limit": enough, "thread_k": THREAD_K, "most_threads": MAX_THREADS}
        statement = _FIND.format(chosen=_CHOSEN, where=condition)
        cursor = raw_cursor().execute(statement, self._parameters(question) | values, binary=True)

        def wait() -> Found:
            row = cursor.fetchone()
            assert row is not None  # noqa: S101  a SELECT without FROM has one
            ids, scores, threads, thread_scores, full, terms, idfs, average, dense = row
            if dense:
                remember_dense(question.organisation, dense)
            found = dict(zip(keys_of(ids), scores, strict=True)) if ids else {}
            held = dict(zip(threads, thread_scores, strict=True)) if threads else {}
            return Found(
                list(found)[:limit],
                found,
                "sums",
                full or 1.0,
                is_complete=len(found) < enough,
                threads=held,
                known=_Statistics(terms or (), idfs or (), average),
            )

        return wait

    def score(self, question: Question, found: Found, ids: Sequence[Key]) -> Callable[[], dict[Key, float]]:
        """Ask for the BM25 of given memories."""
        by = found.known
        if by is None or not by.terms:
            return dict
        values = {
            "organisation": question.organisation,
            "ids": UuidArray(ids),
            "terms": TextArray(by.terms),
            "idfs": list(by.idfs),
            "average": by.average,
            "k1": K1,
            "b": B,
        }
        return figures(raw_cursor().execute(_SCORES, values, binary=True))

    def _parameters(self, question: Question) -> dict[str, Any]:
        terms = question.wording.terms
        dense = dense_among(question.organisation, terms)
        return {
            "organisation": question.organisation,
            "terms": TextArray(terms),
            "weights": [float(count) for count in terms.values()],
            "dense": [term in dense for term in terms],
            "k1": K1,
            "b": B,
        } | _bounds()


def _are_for_here(questions: Sequence[Question], terms: int) -> bool:
    """Tell whether the postings of so many terms are to be read, instead of added up by Postgres."""
    documents = documents_about(questions[0].organisation)
    held_by = documents // DENSE_SHARE if documents > DENSE_FROM else documents
    return documents <= HERE_FOR_ONE or (len(questions) >= TOGETHER and terms * held_by <= MOST_POSTINGS)


def _bounds() -> dict[str, Any]:
    return {"dense_from": DENSE_FROM, "dense_share": DENSE_SHARE}


def _postings(memories: bytes, counts: bytes, lengths: bytes, threads: bytes, passes: bytes) -> Postings:
    return Postings(
        elements(memories, "ids").astype(np.uint64),
        elements(counts, ">i4").astype(np.int64),
        elements(lengths, ">i4").astype(np.int64),
        elements(threads, ">i8").astype(np.int64),
        elements(passes, "?"),
    )
