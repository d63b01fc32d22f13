"""What memory's own routes tell of spaces. See `memory.ports.Spaces`."""

import logging
import math
from functools import partial
from uuid import UUID

from django.db import transaction

from liftos.kernel.caching.lru import LruTtlCache
from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.embedding import EmbedderUnavailable
from spaces.operations import ensure_default
from spaces.queries import count_spaces, is_mapped

logger = logging.getLogger("liftos.spaces")

# for so long another process's new space may be missing from the count that every search of the old platform's answers tells
KEEP_SECONDS = 2.0
_counts: LruTtlCache[UUID, int] = LruTtlCache(10_000, KEEP_SECONDS)
_expected: LruTtlCache[UUID, bool] = LruTtlCache(10_000, math.inf)


class MemorysView:
    """Counts spaces, and looks whether a memory has its place."""

    def count(self, organisation: UUID) -> int:
        """Return how many spaces an organisation has made."""

        def read() -> int:
            with tenant_transaction(organisation):
                return count_spaces(organisation)

        return _counts.fetch(organisation, read)

    def expect(self, organisation: UUID) -> None:
        """Make the organisation's default space where it has none yet; without an embedder, memories go unplaced."""
        if _expected.get(organisation):
            return
        try:
            ensure_default(organisation)
        except EmbedderUnavailable:
            logger.warning("no default space yet: the embedder is not available")
            return
        # undone with the transaction that it was made in, the space is expected again
        transaction.on_commit(partial(_expected.put, organisation, True))

    def has_placed(self, organisation: UUID, memory: UUID) -> bool:
        """Tell whether a memory has a known coordinate in any space."""
        with tenant_transaction(organisation):
            return is_mapped(organisation, memory)


def forget_spaces(organisation: UUID) -> None:
    """Count anew: for who has just made or deleted a space, in this process."""
    _counts.drop_many([organisation])
    _expected.drop_many([organisation])
