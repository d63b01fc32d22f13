"""Updating positions when memories are stored, changed or retracted. For erasure see `spaces.erasure`."""

from collections.abc import Sequence
from uuid import UUID

from spaces.placement.layouts import follow
from spaces.placement.outgrowing import is_due, mark_outgrown


def follow_memories(organisation: UUID, memories: Sequence[UUID]) -> None:
    """Update or remove the positions of memories. See `memory.ports.Follower`."""
    own = follow(organisation, memories)
    if own is not None and is_due(memories, own):
        mark_outgrown(organisation)
