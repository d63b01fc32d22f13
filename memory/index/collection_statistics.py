"""How much an organisation holds: what plans are made from."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from liftos.kernel.caching.lru import LruTtlCache
from liftos.kernel.db.transactions import raw_cursor
from memory.index.statements import COLLECTION_SIZE

# A plan may rest on a count that is some seconds old: every plan finds the same memories, only at another price.
_KEEP_SECONDS = 5.0
_documents: LruTtlCache[UUID, int] = LruTtlCache(10_000, _KEEP_SECONDS)
_dense: LruTtlCache[UUID, set[str]] = LruTtlCache(10_000, _KEEP_SECONDS)


@dataclass(frozen=True, slots=True)
class Corpus:
    """An organisation's searchable memories: how many, how many words in all, in how many threads."""

    documents: int
    words: int
    threads: int

    @property
    def average_length(self) -> float:
        """Words in an average memory, at least 1 so that it can divide."""
        return max(1.0, self.words / self.documents) if self.documents else 1.0


def get_corpus(organisation: UUID) -> Corpus:
    """Return an organisation's counts, as of this transaction."""
    row = raw_cursor().execute(COLLECTION_SIZE, [organisation], binary=True).fetchone()
    return Corpus(*row) if row else Corpus(0, 0, 0)


def documents_about(organisation: UUID) -> int:
    """Return how many memories an organisation holds or held a few seconds ago: enough to choose a plan by."""
    return _documents.fetch(organisation, lambda: get_corpus(organisation).documents)


def dense_among(organisation: UUID, terms: Iterable[str]) -> frozenset[str]:
    """Return which of some terms stood in too many memories to say anything, a few seconds ago."""
    return frozenset(terms).intersection(_dense.get(organisation) or ())


def remember_dense(organisation: UUID, terms: Iterable[str]) -> None:
    """Remember for a few seconds that terms stand in too many memories to say anything."""
    # all of an organisation's terms go together, some seconds after the first was learnt
    _dense.fetch(organisation, set).update(terms)


def forget_counts() -> None:
    """Count anew at the next search: for tests and benchmarks that fill an organisation and ask at once."""
    _documents.clear()
    _dense.clear()
