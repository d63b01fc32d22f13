"""Labelled test sets. No Django."""

from collections.abc import Mapping
from dataclasses import dataclass

from memory.types import MemoryDraft


@dataclass(frozen=True, slots=True)
class Labelled:
    """A question, and the external ids of relevant memories with their grades from 1."""

    text: str
    relevant: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Collection:
    """Memories to search, and the questions to ask of them."""

    name: str
    drafts: list[MemoryDraft]
    questions: list[Labelled]


class UnreadableSet(ValueError):
    """The files are not a supported labelled set."""
