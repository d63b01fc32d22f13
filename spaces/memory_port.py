"""The implementation of `memory.ports.Spaces`."""

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

# how long the count in legacy search responses may miss a space created by another process
KEEP_SECONDS = 2.0
_counts: LruTtlCache[UUID, int] = LruTtlCache(10_000, KEEP_SECONDS)
_expected: LruTtlCache[UUID, bool] = LruTtlCache(10_000, math.inf)


class SpacesPort:
    """Counts spaces, creates the default space, and looks up whether a memory is placed."""

    def count(self, organisation: UUID) -> int:
        """Return the number of spaces, without the default one."""

        def read() -> int:
            with tenant_transaction(organisation):
                return count_spaces(organisation)

        return _counts.fetch(organisation, read)

    def expect(self, organisation: UUID) -> None:
        """Create the organisation's default space if it has none; without an embedder, memories stay unplaced."""
        if _expected.get(organisation):
            return
        try:
            ensure_default(organisation)
        except EmbedderUnavailable:
            logger.warning("default space not created: the embedder is not available")
            return
        # on commit: a rollback undoes the space too
        transaction.on_commit(partial(_expected.put, organisation, True))

    def has_placed(self, organisation: UUID, memory: UUID) -> bool:
        """Return whether a memory has a known coordinate in any space."""
        with tenant_transaction(organisation):
            return is_mapped(organisation, memory)


def forget_spaces(organisation: UUID) -> None:
    """Drop an organisation's cached count in this process, after a space was created or deleted."""
    _counts.drop_many([organisation])
    _expected.drop_many([organisation])
