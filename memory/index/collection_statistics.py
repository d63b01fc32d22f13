"""The size of an organisation's collection, from which search plans are chosen."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from liftos.kernel.caching.lru import LruTtlCache
from liftos.kernel.db.transactions import raw_cursor
from memory.index.statements import COLLECTION_SIZE


@dataclass(frozen=True, slots=True)
class Corpus:
    """An organisation's searchable texts, earlier ones included.

    Attributes:
        documents: number of passages, the documents of BM25 and about the number of vectors.
        words, threads: numbers of words and threads.
        memories: number of memories.
    """

    documents: int
    words: int
    threads: int
    memories: int = 0

    @property
    def has_long(self) -> bool:
        """True if a memory has several passages."""
        return self.documents > self.memories

    @property
    def average_length(self) -> float:
        """Mean words per passage, at least 1 to be a safe divisor."""
        return max(1.0, self.words / self.documents) if self.documents else 1.0


# Plans may rest on counts some seconds old: all plans find the same memories and differ only in cost.
_KEEP_SECONDS = 5.0
_corpora: LruTtlCache[UUID, Corpus] = LruTtlCache(10_000, _KEEP_SECONDS)
_dense: LruTtlCache[UUID, set[str]] = LruTtlCache(10_000, _KEEP_SECONDS)


def get_corpus(organisation: UUID) -> Corpus:
    """Return an organisation's current counts, inside the caller's transaction."""
    row = raw_cursor().execute(COLLECTION_SIZE, [organisation], binary=True).fetchone()
    return Corpus(*row) if row else Corpus(0, 0, 0)


def approximate_corpus(organisation: UUID) -> Corpus:
    """Return an organisation's counts, up to 5 seconds old."""
    return _corpora.fetch(organisation, lambda: get_corpus(organisation))


def approximate_documents(organisation: UUID) -> int:
    """Return an organisation's number of passages, up to 5 seconds old."""
    return approximate_corpus(organisation).documents


def dense_terms(organisation: UUID, terms: Iterable[str]) -> frozenset[str]:
    """Return the terms recently marked by `remember_dense`."""
    return frozenset(terms).intersection(_dense.get(organisation) or ())


def remember_dense(organisation: UUID, terms: Iterable[str]) -> None:
    """Mark terms as too frequent to be selective, for 5 seconds."""
    # an organisation's terms expire together, 5 seconds after the first was marked
    _dense.fetch(organisation, set).update(terms)


def clear_counts() -> None:
    """Drop cached counts, for tests and benchmarks that search right after a bulk store."""
    _corpora.clear()
    _dense.clear()
