"""What memory's own routes tell of spaces. See `memory.ports.Spaces`."""

import logging
from functools import partial
from time import monotonic
from uuid import UUID

from django.db import transaction

from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.embedding import EmbedderUnavailable
from spaces.operations import ensure_default
from spaces.queries import count_spaces, is_mapped

logger = logging.getLogger("liftos.spaces")

# for so long another process's new space may be missing from the count that every search of the seed's answers tells
KEEP_SECONDS = 2.0
_MAX_KEPT = 10_000
_counts: dict[UUID, tuple[float, int]] = {}
_expected: set[UUID] = set()


class MemorysView:
    """Counts spaces, and looks whether a memory has its place."""

    def count(self, organisation: UUID) -> int:
        """Return how many spaces an organisation has made."""
        found = _counts.get(organisation)
        if found is not None and found[0] > monotonic():
            return found[1]
        with tenant_transaction(organisation):
            count = count_spaces(organisation)
        if len(_counts) >= _MAX_KEPT:
            _counts.clear()
        _counts[organisation] = monotonic() + KEEP_SECONDS, count
        return count

    def expect(self, organisation: UUID) -> None:
        """Make the organisation's default space where it has none yet; without an embedder, memories go unplaced."""
        if organisation in _expected:
            return
        try:
            ensure_default(organisation)
        except EmbedderUnavailable:
            logger.warning("no default space yet: the embedder is not available")
            return
        if len(_expected) >= _MAX_KEPT:
            _expected.clear()
        # undone with the transaction that it was made in, the space is expected again
        transaction.on_commit(partial(_expected.add, organisation))

    def has_placed(self, organisation: UUID, memory: UUID) -> bool:
        """Tell whether a memory has a known coordinate in any space."""
        with tenant_transaction(organisation):
            return is_mapped(organisation, memory)


def forget_spaces(organisation: UUID) -> None:
    """Count anew: for who has just made or deleted a space, in this process."""
    _counts.pop(organisation, None)
    _expected.discard(organisation)
