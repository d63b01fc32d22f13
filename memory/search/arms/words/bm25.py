"""BM25 scores of passages and memories, and saturated term counts of threads, for any number of queries over the same postings. Pure.

Source: Robertson & Zaragoza 2009, "The Probabilistic Relevance Framework: BM25 and Beyond"; the idf is Lucene's, which is never
negative; k1 and b are Anserini's defaults for short passages (Yang, Fang & Lin 2017).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import log

import numpy as np
from numpy.typing import NDArray

from liftos.kernel.precedence import giving_way
from memory.index.collection_statistics import Corpus
from memory.index.postings.codec import Numbers
from memory.index.postings.documents import Documents
from memory.index.postings.reading import Postings
from memory.search.types import Key

K1 = 0.9
B = 0.4
# threads are long and their length is no evidence: saturate counts without length normalisation
THREAD_K = 2.0
# best threads per query that are scored
MAX_THREADS = 200

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Scores:
    """A query's scores of the n passages that have one of its terms; each array of shape (n,).

    Attributes:
        documents: ascending.
        values: more than 0.
    """

    documents: Numbers
    values: Floats


@dataclass(frozen=True, slots=True)
class _Term:
    """A term's contributions to the scores of passages and threads, for a query that has it once."""

    idf: float
    documents: Numbers
    parts: Floats
    threads: Numbers
    thread_parts: Floats


class Scorer:
    """Scores queries with statistics of the whole organisation, regardless of filters. BM25's documents are passages."""

    def __init__(
        self,
        postings: Mapping[str, Postings],
        documents: Documents,
        corpus: Corpus,
        *,
        most_documents: int | None = None,
    ) -> None:
        """Compute the terms' contributions.

        Args:
            postings: term to non-empty postings; missing terms are in no memory.
            documents: what the postings count in.
            corpus: the organisation's counts.
            most_documents: cap on document frequencies.
        """
        self._documents = documents
        self._unseen_idf = idf(0, corpus.documents)
        self._terms: dict[str, _Term] = {}
        # reused by each query, zero between them
        self._sums = np.zeros(len(documents))
        self._threads = np.zeros(0, np.int64)
        floor, slope = K1 * (1 - B), K1 * B / corpus.average_length
        weighed = _weigh_threads(postings, corpus.threads) if documents.has_threads else None
        if weighed is not None:
            self._threads = weighed[0]
        none = (np.zeros(0, np.int64), np.zeros(0))
        for number, (term, each) in enumerate(giving_way(postings.items())):
            holding = len(each.counts) if each.holding is None else each.holding
            rarity = idf(min(holding, most_documents or holding), corpus.documents)
            parts = rarity * (K1 + 1) * each.counts / (each.counts + floor + slope * each.lengths)
            if each.weights is not None:
                parts = parts * each.weights
            own = none if weighed is None else weighed[1][number]
            self._terms[term] = _Term(rarity, each.documents, parts, *own)

    def score(self, terms: Mapping[str, float]) -> Scores:
        """Return the scores of passages, regardless of filters, for a query given as term to count."""
        known = self._known(terms)
        if len(known) == 1:
            said, term = known[0]
            return Scores(term.documents, said * term.parts)
        sums = self._sums
        for said, term in known:
            # each document has a term once
            sums[term.documents] += said * term.parts
        documents = np.flatnonzero(sums)
        values = sums[documents]
        sums[documents] = 0
        return Scores(documents, values)

    def memories(self, scores: Scores) -> Scores:
        """Return the memories' scores, that of the best passage each; a memory is given by its first passage that has one."""
        if not self._documents.has_passages or not len(scores.documents):
            return scores
        heads = self._documents.heads(scores.documents)
        starts = np.flatnonzero(np.concatenate([[True], heads[1:] != heads[:-1]]))
        return Scores(scores.documents[starts], np.maximum.reduceat(scores.values, starts))

    def best(self, memories: Scores, most: int) -> dict[Key, float]:
        """Return the `most` memories with the highest scores, with all that tie with the last, best first; ties by id."""
        places = _largest(memories.values, most)
        keys = self._documents.keys(memories.documents[places])
        found = dict(zip(keys, memories.values[places].tolist(), strict=True))
        return dict(sorted(found.items(), key=lambda each: (-each[1], each[0])))

    def look_up(self, scores: Scores, memories: Sequence[Key]) -> dict[Key, float]:
        """Return the positive scores of given memories."""
        return {
            memory: float(scores.values[start:end].max())
            for memory, start, end in self._find(scores, memories)
        }

    def passages(self, scores: Scores, memories: Sequence[Key]) -> dict[Key, dict[int, float]]:
        """Return the positive scores of given memories' passages, by number."""
        return {
            memory: dict(
                zip(
                    self._documents.passages(scores.documents[start:end]).tolist(),
                    scores.values[start:end].tolist(),
                    strict=True,
                )
            )
            for memory, start, end in self._find(scores, memories)
        }

    def _find(self, scores: Scores, memories: Sequence[Key]) -> list[tuple[Key, int, int]]:
        """Return where in `scores` the passages of memories are: id, start and end, of those that have any."""
        found = self._documents.find(memories)
        starts = np.searchsorted(scores.documents, [first for _, first, _ in found]).tolist()
        ends = np.searchsorted(scores.documents, [end for _, _, end in found]).tolist()
        return [
            (memory, start, end)
            for (memory, _, _), start, end in zip(found, starts, ends, strict=True)
            if end > start
        ]

    def threads(self, terms: Mapping[str, float]) -> dict[int, float]:
        """Return the MAX_THREADS threads that match a query best, each taken as one document."""
        if not len(self._threads):
            return {}
        scores = np.zeros(len(self._threads))
        for said, term in self._known(terms):
            scores[term.threads] += said * term.thread_parts
        places = _largest(scores, MAX_THREADS)[:MAX_THREADS]
        return dict(zip(self._threads[places].tolist(), scores[places].tolist(), strict=True))

    def attainable(self, terms: Mapping[str, float]) -> float:
        """Return the score of a passage of average length that contains each query term once; more than 0.

        Terms found in no memory count as the rarest, so that off-topic queries get low shares.
        """
        return (
            sum(
                said * (self._terms[term].idf if term in self._terms else self._unseen_idf)
                for term, said in terms.items()
            )
            or 1.0
        )

    def knows_any(self, terms: Iterable[str]) -> bool:
        """Return whether any memory contains any of the terms."""
        return any(term in self._terms for term in terms)

    def _known(self, terms: Mapping[str, float]) -> list[tuple[float, _Term]]:
        return [(said, self._terms[term]) for term, said in terms.items() if term in self._terms]


def _weigh_threads(
    postings: Mapping[str, Postings], among: int
) -> tuple[Numbers, list[tuple[Numbers, Floats]]]:
    """Compute the terms' contributions to threads, each taken as one document.

    Args:
        postings: term to postings.
        among: number of threads in the organisation.

    Returns:
        Thread ids; for each term, indices of the threads that contain it and its contribution there.
    """
    of_postings = [
        np.zeros(0, np.int64) if each.threads is None else each.threads for each in postings.values()
    ]
    threads = np.unique(np.concatenate([np.zeros(0, np.int64), *of_postings]))
    threads = threads[threads != 0]
    weighed = []
    for each, own in zip(postings.values(), of_postings, strict=True):
        is_in_one = own != 0
        counts = each.counts if each.weights is None else each.counts * each.weights
        said = np.bincount(
            np.searchsorted(threads, own[is_in_one]), weights=counts[is_in_one], minlength=len(threads)
        )
        places = np.flatnonzero(said)
        said = said[places]
        weighed.append((places, idf(len(places), among) * said / (said + THREAD_K)))
    return threads, weighed


def _largest(scores: Floats, most: int) -> Numbers:
    """Return the indices of the `most` largest positive scores, with all that tie with the last."""
    places = np.flatnonzero(scores)
    if len(places) <= most:
        return places
    worth = scores[places]
    return places[worth >= np.partition(worth, len(worth) - most)[len(worth) - most]]


def idf(holding: int, among: int) -> float:
    """Return the inverse document frequency of a term in `holding` of `among` documents; more than 0."""
    return log(1 + (max(0, among - holding) + 0.5) / (holding + 0.5))
