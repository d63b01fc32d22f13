"""What becomes of positions when a memory comes, changes or is no longer believed; what becomes of them with its erasure: erasing.py."""

from collections.abc import Sequence
from uuid import UUID

from spaces.placement.layouts import follow
from spaces.placement.outgrowing import is_due, mark_outgrown


def follow_memories(organisation: UUID, memories: Sequence[UUID]) -> None:
    """Place memories anew, or take their positions away. See `memory.ports.Follower`."""
    own = follow(organisation, memories)
    if own is not None and is_due(memories, own):
        mark_outgrown(organisation)
