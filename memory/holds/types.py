"""Legal holds. No Django."""

from dataclasses import dataclass
from uuid import UUID

MAX_HELD = 1_000
"""Memories that a hold can name."""


@dataclass(frozen=True, slots=True)
class HoldDraft:
    """A hold to place: on memories of a type, a source and an access scope, None for all, and if any are named, only on those."""

    name: str
    reason: str = ""
    memory_type: str | None = None
    source: str | None = None
    memories: tuple[UUID, ...] = ()
    of_scope: int | None = None
