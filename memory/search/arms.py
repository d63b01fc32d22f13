"""An arm finds candidates for a question and scores any memory against it. Apps above memory register their own.

Finding and scoring have two halves: the first sends the statement, what it returns waits for the answer. Between them
other arms send theirs, and a pipelined connection carries them all in one round trip.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID

from memory.search.types import Question, SearchType

# Candidates of each arm: enough that the best of a fusion is among them. On LoCoMo 50 and 200 give the same recall.
CANDIDATES = 60


@dataclass(frozen=True, slots=True)
class Found:
    """An arm's candidates: id to raw figure, and how they were come by."""

    scores: dict[UUID, float] = field(default_factory=dict)
    plan: str = ""


class Arm(Protocol):
    """One kind of evidence."""

    name: str
    search_types: frozenset[SearchType]

    def can_answer(self, question: Question) -> bool:
        """Tell whether this arm has what it needs; if not, the search goes on without it, marked degraded."""

    def find(self, question: Question, limit: int) -> Callable[[], Found]:
        """Ask for the best `limit` memories by this arm, under the question's filters."""

    def score(self, question: Question, ids: list[UUID]) -> Callable[[], dict[UUID, float]]:
        """Ask for this arm's figure of given memories; one that is left out has no evidence, 0."""

    def shares(self, scores: dict[UUID, float]) -> dict[UUID, float]:
        """Return the figures on the scale 0..1, comparable with other arms'."""

    def alone(self, scores: dict[UUID, float]) -> dict[UUID, float]:
        """Return the figures on the scale 0..1 for a search in which no other evidence takes part."""


_arms: dict[str, Arm] = {}


def register_arm(arm: Arm) -> None:
    """Add an arm; the name is unique, a second registration replaces the first."""
    _arms[arm.name] = arm


def arms_for(search_type: SearchType) -> list[Arm]:
    """Return the arms that take part in a search of this type."""
    return [arm for arm in _arms.values() if search_type in arm.search_types]
