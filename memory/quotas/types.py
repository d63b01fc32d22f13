"""Types of quotas."""

import json
from dataclasses import dataclass
from datetime import datetime

from memory.types import MemoryDraft

ORGANISATION = "organisation"
"""Whose: the organisation as a whole. Others are `principal:<id>` and an actor's `kind:id`."""


@dataclass(frozen=True, slots=True)
class Quota:
    """Upper limits of one owner; None for no limit.

    Attributes:
        memories: stored ones, in any state.
        bytes: of their contents and metadata in UTF-8; earlier versions do not count.
        searches_per_day: in any 24 hours; each query of a batch counts.
    """

    memories: int | None = None
    bytes: int | None = None
    searches_per_day: int | None = None

    @property
    def is_empty(self) -> bool:
        """Nothing is limited."""
        return self.memories is None and self.bytes is None and self.searches_per_day is None

    @property
    def limits_storage(self) -> bool:
        """Memories or bytes are limited."""
        return self.memories is not None or self.bytes is not None


@dataclass(frozen=True, slots=True)
class Usage:
    """What an owner has stored."""

    memories: int = 0
    bytes: int = 0


@dataclass(frozen=True, slots=True)
class Standing:
    """An owner's quota and usage."""

    whose: str
    quota: Quota
    usage: Usage
    recorded_at: datetime | None = None


def size_of(draft: MemoryDraft) -> int:
    """Return the bytes that a memory counts: its text, and its metadata as Postgres writes them."""
    return len(draft.content.encode()) + len(json.dumps(draft.metadata, ensure_ascii=False).encode())
