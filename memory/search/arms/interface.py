"""The interface of a search arm: one kind of evidence, which brings candidates and scores any memory.

An arm takes part in three steps. `prepare` does what is slow, embedding for example, before any transaction is open. `find` sends
the arm's statements and returns what waits for the answers; meanwhile the other arms send theirs, and a pipelined connection carries
them all in one round trip. `Found` then scores the candidates of the other arms. Each step serves all questions of a batch, which
are of one organisation and under the same filters.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar
from uuid import UUID

from memory.search.types import Key, Question, Row, SearchRequest, SearchType

# Candidates of each arm: enough that the best of a fusion is among them. On LoCoMo 30 and 60 give the same recall.
CANDIDATES = 30


@dataclass(frozen=True, slots=True)
class Found:
    """What an arm found for a question.

    Attributes:
        scores: memory to raw score, best first, ties by id. The first `limit` are the arm's candidates.
        plan: how Postgres was asked; named in the answer and on record.
        full: the raw score that is worth a share of 1.
        threads: thread number to how well the thread as a whole matches, for an arm that measures it.
        look_up: scores other memories without a statement; None if the arm can't.
        ask: sends a statement that scores other memories; None if `scores` or `look_up` knows every memory with a score.
        rows: the memories themselves, if the arm joined them: it may in a search that it answers alone, without `known_at`.
    """

    scores: Mapping[Key, float] = field(default_factory=dict)
    plan: str = ""
    full: float = 1.0
    threads: Mapping[int, float] = field(default_factory=dict)
    look_up: Callable[[Sequence[Key]], dict[Key, float]] | None = None
    ask: Callable[[Sequence[Key]], Callable[[], dict[Key, float]]] | None = None
    rows: Mapping[Key, Row] | None = None

    def candidates(self, limit: int) -> list[Key]:
        """Return the best `limit` memories, best first."""
        return list(self.scores)[:limit]

    def shares(self, scores: Mapping[Key, float], among: Iterable[Key]) -> dict[Key, float]:
        """Return the raw scores of some memories, of those that have one, on the scale 0..1, on which arms are added."""
        full = self.full
        return {
            key: 0.0 if raw <= 0 else 1.0 if raw >= full else raw / full
            for key in among
            if (raw := scores.get(key)) is not None
        }


class ArmNotReady(Exception):
    """An arm can't answer yet; the search goes on without it, marked degraded."""


class Arm(ABC):
    """One kind of evidence.

    Attributes:
        name: unique; stands in terms, plans and `degraded`.
        search_types: the searches it takes part in. A neural or conceptual search is answered by the first such arm.
        is_optional: a question it has nothing to say to is answered in full without it.
    """

    name: ClassVar[str]
    search_types: ClassVar[frozenset[SearchType]]
    is_optional: ClassVar[bool] = False

    def takes_part(self, request: SearchRequest) -> bool:
        """Return whether it takes part in a search of its types."""
        del request
        return True

    def prepare(self, organisation: UUID, queries: Sequence[str], request: SearchRequest) -> Sequence[Any]:
        """Do what is slow, before any transaction is open; embed all queries in one call.

        Returns:
            For each query what `find` needs (`Question.prepared`), None if the arm has nothing to say to it.

        Raises:
            ArmNotReady, EmbedderUnavailable: the search goes on without this arm.
            LiftosError: the request is at fault; the caller's answer.
        """
        del organisation, request
        return [True] * len(queries)

    @abstractmethod
    def find(self, questions: Sequence[Question], limit: int) -> Callable[[], list[Found]]:
        """Send the statements that find each question's best `limit` memories, or more, under the filters.

        Args:
            questions: those that `prepare` returned something for.
            limit: candidates wanted.
        """

    def relatedness(self, raw: float) -> float | None:
        """Return how surely a raw score says that a memory is about the question, 0..1; None if it doesn't say.

        The first hit's highest relatedness of all arms is a factor of the search's confidence.
        """
        del raw
        return None

    def versions(self, question: Question) -> dict[str, Any]:
        """Return what the search's record names as the versions of models this arm used."""
        del question
        return {}


_arms: dict[str, Arm] = {}


def register_arm(arm: Arm) -> None:
    """Add an arm; a second registration under a name replaces the first."""
    _arms[arm.name] = arm


def arms_for(request: SearchRequest) -> list[Arm]:
    """Return the arms that take part in a search, in the order of their registration."""
    return [
        arm
        for arm in _arms.values()
        if request.search_type in arm.search_types
        and arm.name not in request.without
        and arm.takes_part(request)
    ]
