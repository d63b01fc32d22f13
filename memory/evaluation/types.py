"""Labelled test sets. No Django."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from memory.types import MemoryDraft


class Kind(StrEnum):
    """The form of a labelled set's files."""

    LOCOMO = "locomo"
    BEIR = "beir"
    PARAPHRASES = "paraphrases"
    LANGUAGES = "languages"
    DOCUMENTS = "documents"


@dataclass(frozen=True, slots=True)
class Labelled:
    """A question, and the memories that answer it.

    Attributes:
        text: the question.
        relevant: external id to grade, from 1; empty if nothing in the collection answers the question.
        group: what its figures are also reported by, such as the language.
        answer: for long memories, the text that the passage found must contain.
    """

    text: str
    relevant: Mapping[str, int]
    group: str = ""
    answer: str = ""


@dataclass(frozen=True, slots=True)
class Collection:
    """Memories to search together, and the questions to ask of them.

    Attributes:
        name: unique in the set.
        drafts: the memories.
        questions: may include unanswerable ones.
        haystack: collections of the same haystack are reported together.
        foreign: questions about other collections, which no memory answers.
    """

    name: str
    drafts: list[MemoryDraft]
    questions: list[Labelled]
    haystack: str = ""
    foreign: list[Labelled] = field(default_factory=list)

    @property
    def answerable(self) -> list[Labelled]:
        """The questions that a memory answers."""
        return [question for question in self.questions if question.relevant]

    @property
    def unanswerable(self) -> list[Labelled]:
        """The questions that no memory answers."""
        return [question for question in self.questions if not question.relevant]


@dataclass(frozen=True, slots=True)
class LabelledSet:
    """The collections that one path holds."""

    name: str
    kind: Kind
    collections: list[Collection]


class UnreadableSet(ValueError):
    """The files are not a supported labelled set."""
