"""The words arm: BM25 over an inverted index in Postgres, by the organisation's own statistics.

Postgres' own ts_rank knows no document frequencies, and its GIN operators are not leakproof, so that under row-level
security they can't use their index (design, section 4). So the postings of the queries' terms are read, each once for all
questions, and scored here (memory/search/arms/words/bm25.py). Adding them up in Postgres took longer at every size: 3.0 ms instead of 1.6
for one question among 5,000 memories, 28 instead of 11 among 100,000.
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
from memory.index.collection_statistics import Corpus, dense_among, documents_about, remember_dense
from memory.search.arms.interface import Arm, Found
from memory.search.arms.words.bm25 import Postings, Scorer
from memory.search.arms.words.statements import POSTINGS
from memory.search.filter_sql import where
from memory.search.types import Question, SearchType

# Above this many memories, a term that stands in more than a tenth of them is left out while rarer ones exist: it
# says little and costs most (measured: p95 25 ms with, 9 ms without, at 50,000).
DENSE_FROM = 5_000
DENSE_SHARE = 10
# However large the organisation, a term in more memories is left out: 8 MB of postings.
DENSE_MOST = 200_000
# From so many questions on, what the filters hide is read once and hashed, not looked up for each posting.
BATCH_FROM = 5
# Postings of 41 bytes held at once; the questions of a batch that needs more are answered one after the other.
MOST_POSTINGS = 4_000_000


class WordsArm(Arm):
    """BM25 of the query's words in a memory: 0 where none stands in it, unbounded above."""

    name = "words"
    search_types = frozenset({SearchType.KNOWLEDGE, SearchType.HYBRID})

    def find(self, questions: Sequence[Question], limit: int) -> Callable[[], list[Found]]:
        """Ask for the postings of the questions' terms. See `memory.search.arms.interface.Arm`."""
        organisation = questions[0].organisation
        terms = {term for question in giving_way(questions) for term in question.analysis.terms}
        dense = dense_among(organisation, terms)
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
            # there is much to do with the answer, while Postgres is at what is asked after it
            send_now()

        def wait() -> list[Found]:
            postings, corpus, cap = _read(cursor)
            too_many = {term for term, each in postings.items() if len(each.counts) > cap}
            if too_many:
                remember_dense(organisation, too_many)
            scorer = Scorer({term: postings[term] for term in postings.keys() - too_many}, corpus)
            return [
                self._find_by_rare_terms(each, scorer, dense | too_many, limit)
                for each in giving_way(questions)
            ]

        return wait

    def relatedness(self, raw: float) -> float | None:
        """Return 1 where a word of the question stands in the memory: without one it may be related all the same."""
        return 1.0 if raw > 0 else None

    def versions(self, question: Question) -> dict[str, Any]:
        """Return the version of the text analyser."""
        del question
        return {"analyser": ANALYSER}

    def _find_by_rare_terms(
        self, question: Question, scorer: Scorer, dense: frozenset[str], limit: int
    ) -> Found:
        """Score a question by its terms that are not dense; by all of them if the others stand nowhere."""
        terms = question.analysis.terms
        if dense.intersection(terms):
            if not scorer.knows_any(terms):
                return self._find_by_all_terms(question, limit)()
            terms = {term: said for term, said in terms.items() if term not in dense}
        return _found(scorer, terms, limit)

    def _find_by_all_terms(self, question: Question, limit: int) -> Callable[[], Found]:
        """Ask for all postings of a question's terms; a dense one weighs as much as one that is dense by a single memory."""
        terms = question.analysis.terms
        if not terms:
            return lambda: Found(plan="no words")
        cursor = _ask([question], terms, MOST_POSTINGS // len(terms))

        def wait() -> Found:
            postings, corpus, cap = _read(cursor)
            return _found(Scorer(postings, corpus, most_documents=cap + 1), terms, limit)

        return wait


def _postings_of(organisation: UUID, terms: int) -> int:
    """Return how many postings are read at most for so many terms."""
    documents = documents_about(organisation)
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
    return raw_cursor().execute(POSTINGS.format(where=condition), values, binary=True)


def _read(cursor: Any) -> tuple[dict[str, Postings], Corpus, int]:
    """Return term to postings, the organisation's counts, and the postings above which a term is dense."""
    rows = cursor.fetchall()
    cap, *counts = rows[0][6:]
    postings = {
        term: Postings(
            unpack_array(memories, "uuid").astype(np.uint64),
            unpack_array(tfs, "int4").astype(np.int64),
            unpack_array(lengths, "int4").astype(np.int64),
            unpack_array(threads, "int8").astype(np.int64),
            unpack_array(passes, "bool"),
        )
        for term, memories, tfs, lengths, threads, passes, *_ in giving_way(rows)
        if memories is not None
    }
    return postings, Corpus(*counts), cap


def _found(scorer: Scorer, terms: Mapping[str, int], limit: int) -> Found:
    scores = scorer.score(terms)
    best = scorer.best(scores, limit)
    return Found(
        best,
        "postings",
        scorer.attainable(terms),
        scorer.threads(terms),
        # fewer than wanted: every memory with a score is among them
        look_up=partial(scorer.look_up, scores) if len(best) >= limit else None,
    )
