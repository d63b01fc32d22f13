"""The size of an organisation's collection, from which search plans are chosen."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from liftos.kernel.caching.lru import LruTtlCache
from liftos.kernel.db.transactions import raw_cursor, seeing_everything_here
from liftos.kernel.db.viewers import current_viewer
from memory.index.statements import COLLECTION_SIZE, OF_SCOPES


@dataclass(frozen=True, slots=True)
class Corpus:
    """An organisation's visible searchable texts, earlier ones included.

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
_Seen = tuple[UUID, tuple[int, ...] | None]
_corpora: LruTtlCache[_Seen, Corpus] = LruTtlCache(10_000, _KEEP_SECONDS)
_dense: LruTtlCache[_Seen, set[str]] = LruTtlCache(10_000, _KEEP_SECONDS)


def _seen(organisation: UUID) -> _Seen:
    """Return the key of counts: viewers who see different memories have different ones."""
    return organisation, current_viewer().sight


def visible_scopes() -> tuple[str, list[int]]:
    """Return the test of a statement for the visible scopes, "" for all, and its parameter `scopes`."""
    sight = current_viewer().sight
    return ("", []) if sight is None else (OF_SCOPES, list(sight))


def get_corpus(organisation: UUID) -> Corpus:
    """Return the current counts of an organisation's visible memories, inside the caller's transaction."""
    visible, scopes = visible_scopes()
    values = {"organisation": organisation} | ({"scopes": scopes} if visible else {})
    row = raw_cursor().execute(COLLECTION_SIZE.format(visible=visible), values, binary=True).fetchone()
    return Corpus(*row) if row else Corpus(0, 0, 0)


def approximate_corpus(organisation: UUID) -> Corpus:
    """Return the counts of an organisation's visible memories, up to 5 seconds old."""
    return _corpora.fetch(_seen(organisation), lambda: get_corpus(organisation))


def approximate_documents(organisation: UUID) -> int:
    """Return the number of an organisation's visible passages, up to 5 seconds old."""
    return approximate_corpus(organisation).documents


def approximate_whole(organisation: UUID) -> int:
    """Return the number of an organisation's passages, visible or not, up to 5 seconds old; only to choose a plan by."""

    def read() -> Corpus:
        with seeing_everything_here():
            return get_corpus(organisation)

    return _corpora.fetch((organisation, None), read).documents


def dense_terms(organisation: UUID, terms: Iterable[str]) -> frozenset[str]:
    """Return the terms recently marked by `remember_dense`."""
    return frozenset(terms).intersection(_dense.get(_seen(organisation)) or ())


def remember_dense(organisation: UUID, terms: Iterable[str]) -> None:
    """Mark terms as too frequent to be selective among the visible memories, for 5 seconds."""
    # they expire together, 5 seconds after the first was marked
    _dense.fetch(_seen(organisation), set).update(terms)


def clear_counts() -> None:
    """Drop cached counts, for tests and benchmarks that search right after a bulk store."""
    _corpora.clear()
    _dense.clear()
