"""Gathering evidence: what is asked of Postgres for a search, in as few round trips as it can be.

Three of them, for one question as for a hundred, because a pipelined connection carries all statements of a step at once:

1. every arm finds its candidates; the question's names, periods and threads are looked up;
2. the links round the best of these are read;
3. every arm scores the candidates of the others and what the links brought; traits are read, under the filters.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from liftos.db import pipelined
from liftos.observability.tracer import TRACER
from memory.search import relations
from memory.search.arms import CANDIDATES, Arm, Found
from memory.search.evidence import Evidence, Names
from memory.search.ranking import SEEDS, base_scores, best
from memory.search.spread import Edge
from memory.search.types import Question, SearchType
from memory.search.words import find_threads

# a search of these types by one arm alone: relations take no part
ALONE = frozenset({SearchType.NEURAL, SearchType.CONCEPTUAL})


@dataclass(frozen=True, slots=True)
class Gathered:
    """A question's evidence, and by which plan each arm came to its candidates."""

    evidence: Evidence
    plans: dict[str, str]


@dataclass(slots=True)
class _Clues:
    """What the first step brings."""

    found: dict[str, Found]
    names: Names
    dated: frozenset[UUID]
    threads: dict[int, float]

    def candidates(self) -> set[UUID]:
        union = {memory for each in self.found.values() for memory in each.scores}
        return union | self.names.brought | self.dated


def gather_alone(questions: Sequence[Question], arm: Arm, extra: int) -> list[Gathered]:
    """Return the evidence of searches by a single arm: what it finds is what there is.

    Args:
        questions: alike but for their texts.
        arm: which.
        extra: candidates beyond the limit, for the record of what was not chosen.
    """
    with TRACER.span("search." + arm.name, count=len(questions)), pipelined():
        waiting = [arm.find(question, question.request.limit + extra) for question in questions]
        found = [wait() for wait in waiting]
    return [
        Gathered(Evidence({arm.name: each.scores}, {arm.name: arm.alone(each.scores)}), {arm.name: each.plan})
        for each in found
    ]


def gather(questions: Sequence[Question], arms: Sequence[Arm]) -> list[Gathered]:
    """Return the evidence of searches by several arms and by relations."""
    with pipelined():
        with TRACER.span("search.find", count=len(questions)) as span:
            clues = _find(questions, arms)
            span.set_tag("plans", {name: found.plan for name, found in clues[0].found.items()})
        with TRACER.span("search.links"):
            edges = _links(questions, arms, clues)
        with TRACER.span("search.score"):
            return _score(questions, arms, clues, edges)


def _find(questions: Sequence[Question], arms: Sequence[Arm]) -> list[_Clues]:
    most = max(CANDIDATES, questions[0].request.limit)
    waiting: list[tuple[dict[str, Callable[[], Found]], tuple[Callable[[], object], ...]]] = [
        (
            {arm.name: arm.find(question, most) for arm in arms},
            (
                relations.find_names(question),
                relations.find_in_periods(question),
                find_threads(question),
            ),
        )
        for question in questions
    ]
    return [
        _Clues({name: wait() for name, wait in found.items()}, *(wait() for wait in rest))  # type: ignore[arg-type]
        for found, rest in waiting
    ]


def _links(questions: Sequence[Question], arms: Sequence[Arm], clues: Sequence[_Clues]) -> list[list[Edge]]:
    waiting = []
    for question, clue in zip(questions, clues, strict=True):
        known = base_scores({arm.name: arm.shares(clue.found[arm.name].scores) for arm in arms})
        for memory in clue.names.brought | clue.dated:
            known.setdefault(memory, 0.0)
        waiting.append(relations.read_links(question, best(known, SEEDS)) if known else list)
    return [wait() for wait in waiting]


def _score(
    questions: Sequence[Question],
    arms: Sequence[Arm],
    clues: Sequence[_Clues],
    edges: Sequence[list[Edge]],
) -> list[Gathered]:
    waiting = []
    for question, clue, near in zip(questions, clues, edges, strict=True):
        union = clue.candidates() | {edge.other for edge in near}
        missing = {arm.name: list(union - clue.found[arm.name].scores.keys()) for arm in arms}
        everyone = list(union)
        waiting.append(
            (
                {
                    arm.name: arm.score(question, missing[arm.name]) if missing[arm.name] else dict
                    for arm in arms
                },
                relations.read_traits(question, everyone) if everyone else dict,
                relations.read_named(question, clue.names.members, everyone),
            )
        )
    gathered = []
    for clue, near, (scores, traits, named) in zip(clues, edges, waiting, strict=True):
        raw = {arm.name: {**clue.found[arm.name].scores, **scores[arm.name]()} for arm in arms}
        gathered.append(
            Gathered(
                Evidence(
                    arms=raw,
                    shares={arm.name: arm.shares(raw[arm.name]) for arm in arms},
                    traits=traits(),
                    threads=clue.threads,
                    names=clue.names,
                    named=named(),
                    edges=near,
                ),
                {name: found.plan for name, found in clue.found.items()},
            )
        )
    return gathered
