"""BM25 of memories and the saturated counts of threads, from the postings of a query's terms. Pure.

Source: Robertson & Zaragoza 2009, "The Probabilistic Relevance Framework: BM25 and Beyond"; the idf is Lucene's, which is never
negative; k1 and b are Anserini's defaults for short passages (Yang, Fang & Lin 2017).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log

from memory.search.corpus import Corpus
from memory.search.types import Key

K1 = 0.9
B = 0.4
# a thread is long and its length says little: its counts are only saturated
THREAD_K = 2.0


@dataclass(frozen=True, slots=True)
class Postings:
    """Where a term stands: memories, and beside each its count there, the memory's length, its thread, whether filters pass it."""

    memories: Sequence[Key]
    counts: Sequence[int]
    lengths: Sequence[int]
    threads: Sequence[int | None]
    passes: Sequence[bool]


@dataclass(frozen=True, slots=True)
class Weighed:
    """What a term is worth to each memory that the filters pass, and to each thread, for a query that says it once."""

    idf: float
    memories: list[tuple[Key, float]]
    threads: dict[int, float]


def weigh(postings: Postings, corpus: Corpus) -> Weighed:
    """Return what a term is worth; the statistics are the whole organisation's, whatever the filters."""
    idf = _idf(len(postings.memories), corpus.documents)
    floor, slope = K1 * (1 - B), K1 * B / corpus.average_length
    memories = [
        (memory, idf * tf * (K1 + 1) / (tf + floor + slope * length))
        for memory, tf, length, passes in zip(
            postings.memories, postings.counts, postings.lengths, postings.passes, strict=True
        )
        if passes
    ]
    held: dict[int, int] = {}
    for thread, tf in zip(postings.threads, postings.counts, strict=True):
        if thread is not None:
            held[thread] = held.get(thread, 0) + tf
    among = _idf(len(held), corpus.threads)
    return Weighed(idf, memories, {thread: among * tf / (tf + THREAD_K) for thread, tf in held.items()})


def add_up(
    terms: Mapping[str, int], weighed: Mapping[str, Weighed]
) -> tuple[dict[Key, float], dict[int, float]]:
    """Return a query's figure for memories and for threads.

    Args:
        terms: term to how often the query says it.
        weighed: term to what it is worth; one that is left out stands nowhere.
    """
    memories: dict[Key, float] = {}
    threads: dict[int, float] = {}
    for term, said in terms.items():
        found = weighed.get(term)
        if found is None:
            continue
        for memory, part in found.memories:
            memories[memory] = memories.get(memory, 0.0) + said * part
        for thread, part in found.threads.items():
            threads[thread] = threads.get(thread, 0.0) + said * part
    return memories, threads


def attainable(terms: Mapping[str, int], weighed: Mapping[str, Weighed], corpus: Corpus) -> float:
    """Return the figure of a memory of average length that says each of the query's terms once, at least a little above 0.

    A term that stands nowhere counts like the rarest: a query about something else finds nothing in full.
    """
    nowhere = _idf(0, corpus.documents)
    return (
        sum(said * (weighed[term].idf if term in weighed else nowhere) for term, said in terms.items()) or 1.0
    )


def _idf(holding: int, among: int) -> float:
    return log(1 + (max(0, among - holding) + 0.5) / (holding + 0.5))
