"""The words arm: BM25 over an inverted index in Postgres, with the organisation's own statistics.

Postgres's ts_rank ignores document frequencies, and GIN operators are not leakproof, so under row-level security they can't use
their index. Instead the postings of the query terms are read once for all questions and scored in numpy
(memory/search/arms/words/bm25.py). Scoring in Postgres was slower at every size: 3.0 ms instead of 1.6 for one question among
5,000 memories, 28 instead of 11 among 100,000.

Filters are tested on the best memories only, and on more of them if too few pass (memory/search/arms/words/filtered.py).
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any
from uuid import UUID

from liftos.kernel.db.transactions import send_now
from liftos.kernel.precedence import giving_way
from memory.analysis.words import ANALYSER
from memory.index.collection_statistics import approximate_documents, dense_terms, remember_dense
from memory.index.postings import reading
from memory.index.postings.reading import read_postings
from memory.search.arms.interface import Arm, Found
from memory.search.arms.words.bm25 import Scorer, Scores
from memory.search.arms.words.filtered import find_best
from memory.search.arms.words.variants import keys_of, merged, read_terms
from memory.search.types import Key, Question, SearchType

# The share of a question's information from which words count in full; below, by the square.
TELLING = 0.3
# For batches from this size, let Postgres work on later statements while they are scored.
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
        wait_for_postings = read_postings(organisation, wanted)
        if len(questions) >= BATCH_FROM:
            send_now()

        def wait() -> list[Found]:
            read = wait_for_postings()
            if read.dense:
                remember_dense(organisation, read.dense)
            postings = merged(read.postings, (each.analysis for each in questions), read.corpus.documents)
            scorer = Scorer(postings, read.documents, read.corpus)
            ignored = dense | read.dense
            by_rare = [
                each
                for each in questions
                if not ignored.intersection(each.analysis.terms)
                or scorer.knows_any(keys_of(each.analysis, ignored))
            ]
            found = dict(zip(map(id, by_rare), _found(by_rare, scorer, ignored, limit), strict=True))
            return [
                found[id(each)] if id(each) in found else self._find_by_all_terms(each, limit)()
                for each in questions
            ]

        return wait

    def versions(self, question: Question) -> dict[str, Any]:
        """Return the version of the text analyser."""
        del question
        return {"analyser": ANALYSER}

    def _find_by_all_terms(self, question: Question, limit: int) -> Callable[[], Found]:
        """Score a question by all its terms, with the document frequency of dense ones capped just above the limit."""
        terms = read_terms([question.analysis])
        if not terms:
            return lambda: Found(plan="no words", evidence=0.0)
        wait_for_postings = read_postings(question.organisation, terms, MOST_POSTINGS // len(terms))

        def wait() -> Found:
            read = wait_for_postings()
            postings = merged(read.postings, [question.analysis], read.corpus.documents)
            scorer = Scorer(postings, read.documents, read.corpus, most_documents=read.cap + 1)
            return _found([question], scorer, frozenset(), limit)[0]

        return wait


def _postings_of(organisation: UUID, terms: int) -> int:
    """Return an upper bound on the postings to read for a number of terms."""
    documents = approximate_documents(organisation)
    if documents <= reading.DENSE_FROM:
        return terms * documents
    return terms * min(documents // reading.DENSE_SHARE, reading.DENSE_MOST)


def _found(questions: Sequence[Question], scorer: Scorer, ignored: frozenset[str], limit: int) -> list[Found]:
    """Score questions by their terms that are not ignored."""
    terms = [keys_of(each.analysis, ignored) for each in questions]
    scores = [scorer.score(each) for each in giving_way(terms)]
    best = find_best(questions, scorer, scores, limit) if questions else []
    return [_as_found(scorer, *each, limit) for each in zip(terms, scores, best, strict=True)]


def _as_found(
    scorer: Scorer, terms: Mapping[str, float], scores: Scores, best: dict[Key, float], limit: int
) -> Found:
    attainable = scorer.attainable(terms)
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
