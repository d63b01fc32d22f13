"""The words arm: BM25 over an inverted index in Postgres, with the organisation's own statistics.

Postgres's ts_rank ignores document frequencies, and GIN operators are not leakproof, so under row-level security they can't use
their index. Instead the postings of the query terms are read once for all questions and scored in numpy
(memory/search/arms/words/bm25.py). Scoring in Postgres was slower at every size: 3.0 ms instead of 1.6 for one question among
5,000 memories, 28 instead of 11 among 100,000.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import Any
from uuid import UUID

import numpy as np

from liftos.kernel.db.binary import TextArray, unpack_array
from liftos.kernel.db.transactions import raw_cursor, send_now
from liftos.kernel.precedence import giving_way
from memory.analysis.words import ANALYSER
from memory.index.collection_statistics import (
    Corpus,
    approximate_documents,
    dense_terms,
    remember_dense,
    visible_scopes,
)
from memory.search.arms.interface import Arm, Found
from memory.search.arms.words.bm25 import Postings, Scorer
from memory.search.arms.words.statements import POSTINGS
from memory.search.arms.words.variants import keys_of, merged, read_terms
from memory.search.filter_sql import where
from memory.search.types import Question, SearchType

# Above this many memories, terms found in more than a tenth of them are ignored if the query has rarer ones: they discriminate
# least and cost most (p95 at 50,000 memories: 25 ms with, 9 ms without).
DENSE_FROM = 5_000
DENSE_SHARE = 10
# Terms in more memories than this are always ignored: 8 MB of postings.
DENSE_MOST = 200_000
# The share of a question's information from which words count in full; below, by the square.
TELLING = 0.3
# For batches from this size, hidden memories are read once and hashed, not looked up per posting.
BATCH_FROM = 5
# Postings of 41 bytes in memory at once; larger batches are processed question by question.
MOST_POSTINGS = 4_000_000


class WordsArm(Arm):
    """BM25 of the query and a memory's best passage: 0 if they share no word, unbounded above."""

    name = "words"
    search_types = frozenset({SearchType.KNOWLEDGE, SearchType.HYBRID})
    weight = 0.5

    def find(self, questions: Sequence[Question], limit: int) -> Callable[[], list[Found]]:
        """Read and score the postings of the questions' terms. See `memory.search.arms.interface.Arm`."""
        organisation = questions[0].organisation
        terms = read_terms(question.analysis for question in giving_way(questions))
        dense = dense_terms(organisation, terms)
        wanted = terms - dense
        if not wanted:
            waiting = [self._find_by_all_terms(question, limit) for question in questions]
            return lambda: [wait() for wait in waiting]
        if len(questions) > 1 and _postings_of(organisation, len(wanted)) > MOST_POSTINGS:
            return lambda: [
                found for question in giving_way(questions) for found in self.find([question], limit)()
            ]
        cursor = _ask(questions, wanted)
        if len(questions) >= BATCH_FROM:
            # scoring a batch takes long, so let Postgres work on later statements meanwhile
            send_now()

        def wait() -> list[Found]:
            postings, corpus, cap = _read(cursor)
            too_many = {term for term, each in postings.items() if len(each.counts) > cap}
            if too_many:
                remember_dense(organisation, too_many)
            rare = {term: postings[term] for term in postings.keys() - too_many}
            scorer = Scorer(merged(rare, (each.analysis for each in questions), corpus.documents), corpus)
            return [
                self._find_by_rare_terms(each, scorer, dense | too_many, limit)
                for each in giving_way(questions)
            ]

        return wait

    def versions(self, question: Question) -> dict[str, Any]:
        """Return the version of the text analyser."""
        del question
        return {"analyser": ANALYSER}

    def _find_by_rare_terms(
        self, question: Question, scorer: Scorer, dense: frozenset[str], limit: int
    ) -> Found:
        """Score a question by its terms that are not dense, or by all if no memory contains the others."""
        if dense.intersection(question.analysis.terms):
            if not scorer.knows_any(keys_of(question.analysis)):
                return self._find_by_all_terms(question, limit)()
            return _found(scorer, keys_of(question.analysis, dense), limit)
        return _found(scorer, keys_of(question.analysis), limit)

    def _find_by_all_terms(self, question: Question, limit: int) -> Callable[[], Found]:
        """Score a question by all its terms, with the document frequency of dense ones capped just above the limit."""
        terms = read_terms([question.analysis])
        if not terms:
            return lambda: Found(plan="no words", evidence=0.0)
        cursor = _ask([question], terms, MOST_POSTINGS // len(terms))

        def wait() -> Found:
            postings, corpus, cap = _read(cursor)
            scorer = Scorer(
                merged(postings, [question.analysis], corpus.documents), corpus, most_documents=cap + 1
            )
            return _found(scorer, keys_of(question.analysis), limit)

        return wait


def _postings_of(organisation: UUID, terms: int) -> int:
    """Return an upper bound on the postings to read for a number of terms."""
    documents = approximate_documents(organisation)
    return terms * (min(documents // DENSE_SHARE, DENSE_MOST) if documents > DENSE_FROM else documents)


def _ask(questions: Sequence[Question], terms: Collection[str], most: int | None = None) -> Any:
    condition, values = where(questions[0].request, "p.memory_id", of_many=len(questions) >= BATCH_FROM)
    values |= {
        "organisation": questions[0].organisation,
        "terms": TextArray(terms),
        "most": most,
        "dense_from": DENSE_FROM,
        "dense_share": DENSE_SHARE,
        "dense_most": DENSE_MOST,
    }
    visible, scopes = visible_scopes()
    if visible:
        values["scopes"] = scopes
    return raw_cursor().execute(POSTINGS.format(where=condition, visible=visible), values, binary=True)


def _read(cursor: Any) -> tuple[dict[str, Postings], Corpus, int]:
    """Return term to postings, the organisation's counts, and the number of postings above which a term is dense."""
    rows = cursor.fetchall()
    cap, *totals = rows[0][5:]
    postings = {
        term: _unpacked(memories, counts, threads, passes)
        for term, memories, counts, threads, passes, *_ in giving_way(rows)
        if memories is not None
    }
    return postings, Corpus(*totals), cap


def _unpacked(memories: bytes, counts: bytes, threads: bytes, passes: bytes) -> Postings:
    numbers = unpack_array(counts, "int8").astype(np.int64)
    passages = numbers >> 47
    return Postings(
        unpack_array(memories, "uuid").astype(np.uint64),
        numbers & 0x7FFFFF,
        (numbers >> 23) & 0xFFFFFF,
        unpack_array(threads, "int8").astype(np.int64),
        unpack_array(passes, "bool"),
        passages if passages.any() else None,
    )


def _found(scorer: Scorer, terms: Mapping[str, float], limit: int) -> Found:
    scores = scorer.score(terms)
    best, attainable = scorer.best(scores, limit), scorer.attainable(terms)
    return Found(
        best,
        "postings",
        attainable,
        scorer.threads(terms),
        # fewer than requested: these are all that have a score
        look_up=partial(scorer.look_up, scores) if len(best) >= limit else None,
        evidence=min(1.0, next(iter(best.values()), 0.0) / attainable / TELLING) ** 2,
        score_passages=lambda memories: partial(scorer.passages, scores, memories),
    )
