"""BM25 scores of passages and memories, and saturated term counts of threads, for any number of queries over the same postings. Pure.

Source: Robertson & Zaragoza 2009, "The Probabilistic Relevance Framework: BM25 and Beyond"; the idf is Lucene's, which is never
negative; k1 and b are Anserini's defaults for short passages (Yang, Fang & Lin 2017).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import log
from secrets import randbits

import numpy as np
from numpy.typing import NDArray

from liftos.kernel.precedence import giving_way
from memory.index.collection_statistics import Corpus
from memory.search.keys import Ids, ids_of, keys_at
from memory.search.types import Key

K1 = 0.9
B = 0.4
# threads are long and their length is no evidence: saturate counts without length normalisation
THREAD_K = 2.0
# best threads per query that are scored
MAX_THREADS = 200

Numbers = NDArray[np.int64]
Floats = NDArray[np.float64]
Scores = Floats  # a query's score for each passage of a `Scorer`; 0 if it contains none of the terms
_PASSAGE_BITS = 20


@dataclass(frozen=True, slots=True)
class Postings:
    """A term's postings, one for each of the n passages that contain it; shape (n,) unless noted.

    Attributes:
        memories: ids, shape (n, 2).
        counts: term frequencies.
        lengths: the passages' lengths in words.
        threads: the memories' thread ids; 0 for none.
        passes: whether each memory passes the filters.
        passages: numbers of the passages in their memories; None if all are 0.
        weights: what each posting counts; None if 1.
        holding: the number of documents to rate the term's rarity by; None for n.
    """

    memories: Ids
    counts: Numbers
    lengths: Numbers
    threads: Numbers
    passes: NDArray[np.bool_]
    passages: Numbers | None = None
    weights: Floats | None = None
    holding: int | None = None


@dataclass(frozen=True, slots=True)
class _Term:
    """A term's contributions to the scores of passages and threads, by index, for a query that has it once."""

    idf: float
    passages: Numbers
    passage_parts: Floats
    threads: Numbers
    thread_parts: Floats


class Scorer:
    """Scores queries with statistics of the whole organisation, regardless of filters. BM25's documents are passages."""

    def __init__(
        self, postings: Mapping[str, Postings], corpus: Corpus, *, most_documents: int | None = None
    ) -> None:
        """Compute the terms' contributions.

        Args:
            postings: term to non-empty postings; missing terms are in no memory.
            corpus: the organisation's counts.
            most_documents: cap on document frequencies.
        """
        self._unseen_idf = idf(0, corpus.documents)
        self._terms: dict[str, _Term] = {}
        # of memories of several passages; without them the scores of passages are those of memories
        self._starts: Numbers | None = None
        self._numbers: Numbers | None = None
        if not postings:
            return
        sizes = [len(each.counts) for each in postings.values()]
        ends = np.cumsum([0, *sizes])
        ids = np.concatenate([each.memories for each in postings.values()])
        self._salt = np.uint64(0)
        self._codes, first, places = np.unique(self._code(ids), return_index=True, return_inverse=True)
        while (ids[first[places], 0] != ids[:, 0]).any():
            # ids with equal lower halves: impossible for random ids, but imports may bring others
            self._salt = np.uint64(randbits(64) | 1)
            self._codes, first, places = np.unique(self._code(ids), return_index=True, return_inverse=True)
        self._ids: Ids = ids[first]
        self._passes = np.zeros(len(first), bool)
        self._passes[places] = np.concatenate([each.passes for each in postings.values()])
        counts = np.concatenate([each.counts for each in postings.values()])
        lengths = np.concatenate([each.lengths for each in postings.values()])
        if any(each.passages is not None for each in postings.values()):
            places = self._tell_passages(postings, places)
        holding = [
            size if each.holding is None else each.holding
            for size, each in zip(sizes, postings.values(), strict=True)
        ]
        idfs = [idf(min(each, most_documents or each), corpus.documents) for each in holding]
        floor, slope = K1 * (1 - B), K1 * B / corpus.average_length
        parts = np.repeat(idfs, sizes) * counts * (K1 + 1) / (counts + floor + slope * lengths)
        if any(each.weights is not None for each in postings.values()):
            weights = np.concatenate(
                [
                    np.ones(len(each.counts)) if each.weights is None else each.weights
                    for each in postings.values()
                ]
            )
            parts, counts = parts * weights, counts * weights
        threads = _weigh_threads(
            np.concatenate([each.threads for each in postings.values()]), counts, sizes, corpus.threads
        )
        self._threads, thread_places, thread_parts, thread_ends = threads
        for number, term in enumerate(giving_way(postings)):
            here = slice(ends[number], ends[number + 1])
            there = slice(thread_ends[number], thread_ends[number + 1])
            self._terms[term] = _Term(
                idfs[number], places[here], parts[here], thread_places[there], thread_parts[there]
            )

    def _tell_passages(self, postings: Mapping[str, Postings], memories: Numbers) -> Numbers:
        """Return the index of each posting's passage, given that of its memory; passages of a memory are adjacent."""
        numbers = np.concatenate(
            [
                np.zeros(len(each.counts), np.int64) if each.passages is None else each.passages
                for each in postings.values()
            ]
        )
        packed, places = np.unique((memories << _PASSAGE_BITS) | numbers, return_inverse=True)
        self._starts = np.searchsorted(packed >> _PASSAGE_BITS, np.arange(len(self._ids)))
        self._numbers = packed & ((1 << _PASSAGE_BITS) - 1)
        return places

    def score(self, terms: Mapping[str, float]) -> Scores:
        """Return each passage's score, regardless of filters, for a query given as term to count."""
        of_all = self._numbers if self._numbers is not None else self._ids if self._terms else ()
        scores = np.zeros(len(of_all))
        for said, term in self._known(terms):
            scores[term.passages] += said * term.passage_parts
        return scores

    def _of_memories(self, scores: Scores) -> Floats:
        """Return each memory's score: that of its best passage."""
        return scores if self._starts is None else np.maximum.reduceat(scores, self._starts)

    def best(self, scores: Scores, most: int) -> dict[Key, float]:
        """Return the memories with the highest scores that pass the filters, best first; ties by id."""
        if not len(scores):
            return {}
        scores = self._of_memories(scores)
        places = _largest(scores * self._passes, most)
        found = dict(zip(keys_at(self._ids, places), scores[places].tolist(), strict=True))
        return dict(sorted(found.items(), key=lambda each: (-each[1], each[0]))[:most])

    def look_up(self, scores: Scores, memories: Sequence[Key]) -> dict[Key, float]:
        """Return the positive scores of given memories."""
        if not len(scores) or not memories:
            return {}
        found = self._of_memories(scores)
        return {
            memory: score for memory, place in self._places(memories) if (score := float(found[place])) > 0
        }

    def passages(self, scores: Scores, memories: Sequence[Key]) -> dict[Key, dict[int, float]]:
        """Return the positive scores of given memories' passages, by number."""
        if not len(scores) or not memories:
            return {}
        found = {}
        for memory, place in self._places(memories):
            if self._starts is None or self._numbers is None:
                own, numbers = scores[place : place + 1], np.zeros(1, np.int64)
            else:
                end = self._starts[place + 1] if place + 1 < len(self._starts) else len(scores)
                own = scores[self._starts[place] : end]
                numbers = self._numbers[self._starts[place] : end]
            found[memory] = {
                number: score
                for number, score in zip(numbers.tolist(), own.tolist(), strict=True)
                if score > 0
            }
        return found

    def _places(self, memories: Sequence[Key]) -> Iterator[tuple[Key, int]]:
        """Yield the index of each memory that has one of the terms."""
        ids = ids_of(memories)
        places = np.searchsorted(self._codes, self._code(ids)).clip(max=len(self._codes) - 1)
        is_known = (self._ids[places] == ids).all(axis=1)
        return (
            (memory, place)
            for memory, place, known in zip(memories, places.tolist(), is_known.tolist(), strict=True)
            if known
        )

    def threads(self, terms: Mapping[str, float]) -> dict[int, float]:
        """Return the MAX_THREADS threads that match a query best, each taken as one document."""
        if not self._terms or not len(self._threads):
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

    def _code(self, ids: Ids) -> NDArray[np.uint64]:
        """Return 64-bit codes of ids, distinct among this scorer's ids."""
        return ids[:, 1] + self._salt * ids[:, 0]

    def _known(self, terms: Mapping[str, float]) -> list[tuple[float, _Term]]:
        return [(said, self._terms[term]) for term, said in terms.items() if term in self._terms]


def _weigh_threads(
    threads: Numbers, counts: Numbers | Floats, sizes: Sequence[int], among: int
) -> tuple[Numbers, Numbers, Floats, Numbers]:
    """Compute the terms' contributions to threads, each taken as one document.

    Args:
        threads: thread id of each posting, grouped by term; 0 for none.
        counts: term frequency of each posting.
        sizes: number of postings of each term.
        among: number of threads in the organisation.

    Returns:
        Thread ids; grouped by term, indices of the threads that contain it and its contribution there; the bounds of the
        groups, starting with 0.
    """
    terms = np.repeat(np.arange(len(sizes)), sizes)
    is_in_one = threads != 0
    numbers, places = np.unique(threads[is_in_one], return_inverse=True)
    pairs, pair_of = np.unique(terms[is_in_one] * max(1, len(numbers)) + places, return_inverse=True)
    said = np.bincount(pair_of, weights=counts[is_in_one], minlength=len(pairs))
    of_term, of_thread = np.divmod(pairs, max(1, len(numbers)))
    holding = np.bincount(of_term, minlength=len(sizes))
    idfs = np.array([idf(int(each), among) for each in holding])
    parts = idfs[of_term] * said / (said + THREAD_K)
    return numbers, of_thread, parts, np.cumsum([0, *holding])


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
