"""An arm finds candidates for a question and scores any memory against it. Apps above memory register their own.

Finding and scoring have two halves: the first sends the statements, what it returns waits for the answers. Between them
other arms send theirs, and a pipelined connection carries them all in one round trip. Both serve several questions of one
organisation under the same filters, so that what these share is read once. Within a search a memory's id is its 16
bytes: a UUID object compares and hashes in Python, which hundreds of candidates make felt.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import UUID

from memory.search.types import Key, Question, SearchRequest, SearchType

# Candidates of each arm: enough that the best of a fusion is among them. On LoCoMo 30 and 60 give the same recall.
CANDIDATES = 30


@dataclass(frozen=True, slots=True)
class Found:
    """What an arm found.

    Attributes:
        best: the memories asked for, best first; ties by id.
        scores: id to raw figure, of these and maybe of others.
        plan: how they were come by.
        full: the raw figure that is worth a share of 1: what a memory would have that says all that is asked.
        threads: thread number to how well the thread as a whole holds the question, where the arm tells that.
        is_complete: every memory with evidence by this arm is among them, so nothing is left to be scored.
        known: what the arm wants to know again when it scores.
        look_up: where the arm knows every memory's figure already, it returns that of given ones; then it is not asked to score.
        rows: where an arm that finds alone has read the memories too, they (memory.search.reading).
    """

    best: Sequence[Key] = ()
    scores: Mapping[Key, float] = field(default_factory=dict)
    plan: str = ""
    full: float = 1.0
    is_complete: bool = False
    threads: dict[int, float] = field(default_factory=dict)
    known: Any = None
    look_up: Callable[[Sequence[Key]], dict[Key, float]] | None = None
    rows: dict[Key, tuple[Any, ...]] | None = None

    def shares(self, scores: Mapping[Key, float], among: Iterable[Key]) -> dict[Key, float]:
        """Return this arm's figures of some memories, of those that have one, on the scale 0..1, on which arms are added."""
        full = self.full
        return {
            key: 0.0 if raw <= 0 else 1.0 if raw >= full else raw / full
            for key in among
            if (raw := scores.get(key)) is not None
        }


class ArmNotReady(Exception):
    """An arm can't answer just now; the search goes on without it, marked degraded."""


class Arm(Protocol):
    """One kind of evidence."""

    name: str
    search_types: frozenset[SearchType]

    def prepare(self, organisation: UUID, queries: Sequence[str], request: SearchRequest) -> list[Any]:
        """Do what is slow for some queries, before any transaction is open; what it returns stands in `Question.prepared`.

        One entry for each query, None where the arm has nothing to say to it. An error is the caller's answer.

        Raises:
            ArmNotReady, EmbedderUnavailable: the search goes on without this arm.
        """

    def can_answer(self, question: Question) -> bool:
        """Tell whether this arm has what it needs; if not, the search goes on without it, marked degraded."""

    def find(self, questions: Sequence[Question], limit: int) -> Callable[[], list[Found]]:
        """Ask for the best `limit` memories of each question by this arm, or more, under the filters."""

    def score(self, question: Question, found: Found, ids: Sequence[Key]) -> Callable[[], dict[Key, float]]:
        """Ask for this arm's figure of given memories, after what it found; one that is left out has no evidence, 0."""


_arms: dict[str, Arm] = {}
_only_in_spaces: set[str] = set()

# a search of these types is by one arm alone: relations take no part
ALONE = frozenset({SearchType.NEURAL, SearchType.CONCEPTUAL})


def register_arm(arm: Arm, *, only_in_spaces: bool = False) -> None:
    """Add an arm; the name is unique, a second registration replaces the first.

    Args:
        arm: what to add.
        only_in_spaces: of searches by several arms it takes part only in those that name a space or what is wanted in it.
    """
    _arms[arm.name] = arm
    if only_in_spaces:
        _only_in_spaces.add(arm.name)


def is_only_in_spaces(arm: Arm) -> bool:
    """Tell whether an arm has something to say only where a space, or what is wanted in it, is named."""
    return arm.name in _only_in_spaces


def arms_for(request: SearchRequest) -> list[Arm]:
    """Return the arms that take part in such a search."""
    return [
        arm
        for arm in _arms.values()
        if request.search_type in arm.search_types
        and arm.name not in request.without
        and (arm.name not in _only_in_spaces or request.is_conceptual or request.search_type in ALONE)
    ]
