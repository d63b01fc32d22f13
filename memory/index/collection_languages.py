"""The languages of an organisation's texts, which its queries are also read in."""

from uuid import UUID

from liftos.kernel.caching.lru import LruTtlCache
from liftos.kernel.db.transactions import raw_cursor
from liftos.kernel.db.viewers import current_viewer
from memory.index.statements import LANGUAGES

# A query is read in its own language at once; one that is new to the organisation counts for other queries after some seconds.
_KEEP_SECONDS = 5.0
_languages: LruTtlCache[tuple[UUID, tuple[int, ...] | None], tuple[str, ...]] = LruTtlCache(
    10_000, _KEEP_SECONDS
)


def approximate_languages(organisation: UUID) -> tuple[str, ...]:
    """Return the languages of an organisation's visible texts beside English, up to 5 seconds old, inside the caller's transaction."""
    return _languages.fetch((organisation, current_viewer().sight), lambda: _read(organisation))


def clear_languages() -> None:
    """Drop cached languages, for tests and benchmarks that search right after a store."""
    _languages.clear()


def _read(organisation: UUID) -> tuple[str, ...]:
    rows = raw_cursor().execute(LANGUAGES, {"organisation": organisation}).fetchall()
    return tuple(sorted({row[0] for row in rows}))
