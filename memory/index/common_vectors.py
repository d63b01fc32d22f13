"""The direction that the texts of an organisation have in common: the mean of their vectors, by which searches tell apart what each says of its own."""

from uuid import UUID

import numpy as np

from liftos.kernel.caching.lru import LruTtlCache
from liftos.kernel.db.binary import unpack_halfvecs
from liftos.kernel.db.transactions import raw_cursor
from liftos.kernel.db.viewers import current_viewer
from memory.index.statements import COMMON_VECTOR

# Passages whose vectors are averaged, the newest: reading them takes some milliseconds, once a minute in each process.
NEWEST = 5_000
_KEEP_SECONDS = 60.0
_common: LruTtlCache[tuple[UUID, int, object], np.ndarray | None] = LruTtlCache(2_000, _KEEP_SECONDS)


def common_vector(organisation: UUID, model: int) -> np.ndarray | None:
    """Return the mean of the vectors that the viewer sees, float32, shape (d,), up to a minute old; None without vectors.

    Inside the caller's transaction.
    """
    # by viewer, so that nobody's ranking depends on what they may not see
    return _common.fetch(
        (organisation, model, current_viewer().settings()), lambda: _read(organisation, model)
    )


def clear_common_vectors() -> None:
    """Drop cached means, for tests and benchmarks that search right after a bulk store."""
    _common.clear()


def _read(organisation: UUID, model: int) -> np.ndarray | None:
    values = {"organisation": organisation, "model": model, "newest": NEWEST}
    row = raw_cursor().execute(COMMON_VECTOR, values, binary=True).fetchone()
    return None if row is None or row[0] is None else unpack_halfvecs(row[0], 1)[0]
