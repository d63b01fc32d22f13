"""The interface of a search arm: a retriever for one kind of evidence, which proposes candidates and scores any memory.

An arm runs in three steps. `prepare` does slow work such as embedding before a transaction is open. `find` sends the arm's
statements and returns a function that waits for the results, so that the statements of all arms share one pipelined round trip.
`Found` then scores the other arms' candidates. Each step handles all questions of a batch, which share the organisation and filters.

An app registers its arms in `AppConfig.ready` with `register_arm`, as `memory/apps.py` does.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeVar
from uuid import UUID

from memory.search.types import (
    Key,
    PassageScores,
    Question,
    Row,
    ScorePassages,
    SearchRequest,
    SearchType,
)

K = TypeVar("K")

# Candidates per arm. On LoCoMo 30 and 60 give the same recall after fusion.
CANDIDATES = 30


@dataclass(frozen=True, slots=True)
class Found:
    """An arm's results for a question.

    Attributes:
        scores: memory to raw score, best first, ties by id. The first `limit` are the arm's candidates.
        plan: the query plan, shown in the response and the decision record.
        full: the raw score that equals a share of 1.
        threads: thread id to the score of the thread as a whole, if the arm computes it.
        look_up: scores other memories without a statement; None if the arm can't.
        ask: sends a statement that scores other memories; None if `scores` or `look_up` covers all that have a score.
        score_passages: sends a statement that scores the passages of memories, by memory and passage number; None if the arm doesn't
            tell passages apart.
        rows: the memories' rows, which an arm may join if it is the only one and `known_at` is not set.
        share_of: raw score to share; None for raw / full.
        evidence: how much the arm has to say about the question, 0..1 (`memory.search.fusion`).
    """

    scores: Mapping[Key, float] = field(default_factory=dict)
    plan: str = ""
    full: float = 1.0
    threads: Mapping[int, float] = field(default_factory=dict)
    look_up: Callable[[Sequence[Key]], dict[Key, float]] | None = None
    ask: Callable[[Sequence[Key]], Callable[[], dict[Key, float]]] | None = None
    score_passages: ScorePassages | None = None
    rows: Mapping[Key, Row] | None = None
    share_of: Callable[[float], float] | None = None
    evidence: float = 1.0

    def candidates(self, limit: int) -> list[Key]:
        """Return the best `limit` memories, best first."""
        return list(self.scores)[:limit]

    def shares(self, scores: Mapping[K, float], among: Iterable[K]) -> dict[K, float]:
        """Return the shares, 0..1, of those memories or passages that have a raw score; shares of different arms can be added."""
        if (share_of := self.share_of) is not None:
            return {key: share_of(raw) for key in among if (raw := scores.get(key)) is not None}
        full = self.full
        return {
            key: 0.0 if raw <= 0 else 1.0 if raw >= full else raw / full
            for key in among
            if (raw := scores.get(key)) is not None
        }

    def share_passages(self, memories: Sequence[Key]) -> Callable[[], PassageScores]:
        """Send a statement that scores the passages of memories; return a function that waits for their shares."""
        if self.score_passages is None:
            return dict
        wait = self.score_passages(memories)
        return lambda: {memory: self.shares(own, own) for memory, own in wait().items()}


@dataclass(frozen=True, slots=True)
class NotAsked:
    """Returned by `Arm.prepare` for a query that an arm can't search for; `plan` says why in the response and the record."""

    plan: str


class ArmNotReady(Exception):
    """An arm can't search yet; the search continues without it, marked degraded."""


class Arm(ABC):
    """A retriever for one kind of evidence.

    Attributes:
        name: unique; used in terms, plans and `degraded`.
        weight: relative to the other arms', before evidence.
        search_types: the search types it serves. Neural and conceptual searches use only the first such arm.
        is_optional: whether a search counts as complete without it if it does not apply to the question.
    """

    name: ClassVar[str]
    search_types: ClassVar[frozenset[SearchType]]
    weight: ClassVar[float] = 0.5
    is_optional: ClassVar[bool] = False

    def takes_part(self, request: SearchRequest) -> bool:
        """Return whether the arm serves a request of one of its search types."""
        del request
        return True

    def prepare(self, organisation: UUID, queries: Sequence[str], request: SearchRequest) -> Sequence[Any]:
        """Do slow work before a transaction is open; embed all queries in one call.

        Returns:
            For each query the input of `find` (`Question.prepared`), None if the arm does not apply to it, or NotAsked.

        Raises:
            ArmNotReady, EmbedderUnavailable: the search continues without this arm.
            LiftosError: the request is invalid; reported to the caller.
        """
        del organisation, request
        return [True] * len(queries)

    @abstractmethod
    def find(self, questions: Sequence[Question], limit: int) -> Callable[[], list[Found]]:
        """Send the statements that find at least the `limit` best memories of each question under the filters.

        Args:
            questions: those for which `prepare` returned an input.
            limit: number of candidates.
        """

    def versions(self, question: Question) -> dict[str, Any]:
        """Return the model versions used, for the decision record."""
        del question
        return {}


_arms: dict[str, Arm] = {}


def register_arm(arm: Arm) -> None:
    """Register an arm, replacing any of the same name."""
    _arms[arm.name] = arm


def arms_for(request: SearchRequest) -> list[Arm]:
    """Return the arms that serve a request, in order of registration."""
    return [
        arm
        for arm in _arms.values()
        if request.search_type in arm.search_types
        and arm.name not in request.without
        and arm.takes_part(request)
    ]
