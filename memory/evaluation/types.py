"""A labelled set: memories, and questions with what answers them. No Django here."""

from collections.abc import Mapping
from dataclasses import dataclass

from memory.types import MemoryDraft


@dataclass(frozen=True, slots=True)
class Labelled:
    """A question and the external ids of what answers it, each with its grade, 1 and up."""

    text: str
    relevant: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Collection:
    """What is searched together: memories by their external ids, and the questions asked of them."""

    name: str
    drafts: list[MemoryDraft]
    questions: list[Labelled]


class UnreadableSet(ValueError):
    """The files are not a labelled set that we know."""
