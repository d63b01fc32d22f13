"""Gathering evidence: what is asked of Postgres for a search, in as few round trips as it can be.

Four of them, for one question as for fifty, because a pipelined connection carries all statements of a step at once, and
what is looked up by id is looked up once for all questions:

1. every arm finds its candidates; the questions' names and periods are looked up;
2. the links of the best of these are read, and 3. the links of those that they lead to;
4. every arm scores the candidates of the others and what the links brought; traits are read, under the filters.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from liftos.kernel.db.interleave import Work
from liftos.kernel.db.transactions import pipelined
from liftos.kernel.precedence import giving_way
from liftos.kernel.telemetry.tracing.tracer import TRACER
from memory.search.arms.interface import CANDIDATES, Arm, Found
from memory.search.ranking import SEEDS, base_scores, best
from memory.search.relations import lookup
from memory.search.relations.lookup import Links, Named
from memory.search.signals import Evidence, Names, Traits
from memory.search.types import Key, Question


@dataclass(frozen=True, slots=True)
class Gathered:
    """A question's evidence, by which plan each arm came to its candidates, and the memories if they came along."""

    evidence: Evidence
    plans: dict[str, str]
    rows: dict[Key, tuple[Any, ...]] | None = None


@dataclass(slots=True)
class _Clues:
    """What the first step brings for a question, and what the links add."""

    found: dict[str, Found]
    names: Names
    candidates: set[Key]


def gather_alone(questions: Sequence[Question], arm: Arm, extra: int) -> list[Gathered]:
    """Return the evidence of searches by a single arm: what it finds is what there is.

    Args:
        questions: alike but for their texts.
        arm: which.
        extra: candidates beyond the limit, for the record of what was not chosen.
    """
    most = questions[0].request.limit + extra
    with TRACER.span("search." + arm.name, count=len(questions)), pipelined():
        found = arm.find(questions, most)()
    gathered = []
    for each in found:
        scores = {key: each.scores[key] for key in each.best}
        gathered.append(
            Gathered(
                Evidence({arm.name: scores}, {arm.name: each.shares(scores, scores)}),
                {arm.name: each.plan},
                each.rows,
            )
        )
    return gathered


def gather(questions: Sequence[Question], arms: Sequence[Arm]) -> Work[list[Gathered]]:
    """Return the evidence of searches by several arms and by relations, as work that stops where it would wait."""
    finding = _find(questions, arms)
    yield
    with TRACER.span("search.find", count=len(questions)) as span:
        clues = finding()
        span.set_tag("plans", {name: found.plan for name, found in clues[0].found.items()})
    seeds = [_seeds(clue) for clue in giving_way(clues)]
    everyone = {key for own in seeds for key in own}
    nearest = lookup.read_links(questions, everyone)
    yield
    with TRACER.span("search.links"):
        links = nearest()
        reached = {edge.other for edges in links.values() for edge in edges} - everyone
        links |= lookup.read_links(questions, reached)()
        for clue, own in giving_way(zip(clues, seeds, strict=True)):
            near = {edge.other for key in own for edge in links.get(key, ())}
            clue.candidates |= near | {edge.other for key in near for edge in links.get(key, ())}
    scoring = _score(questions, arms, clues, links)
    yield
    with TRACER.span("search.score"):
        return scoring()


def _find(questions: Sequence[Question], arms: Sequence[Arm]) -> Callable[[], list[_Clues]]:
    """Ask every arm for its candidates, and for what the questions name."""
    most = max(CANDIDATES, questions[0].request.limit)
    by_names, by_periods = lookup.find_names(questions), lookup.find_in_periods(questions)
    # the last first: what words bring takes most work here, and Postgres is at the others meanwhile
    by_arms = {arm.name: arm.find(questions, most) for arm in reversed(arms)}

    def wait() -> list[_Clues]:
        known, dated = by_names(), by_periods()
        found = {name: wait() for name, wait in by_arms.items()}
        clues = []
        for number, (question, of_periods) in enumerate(giving_way(zip(questions, dated, strict=True))):
            own = {arm.name: found[arm.name][number] for arm in arms}
            names = lookup.names_of(question, known)
            candidates = {key for each in own.values() for key in each.best}
            clues.append(_Clues(own, names, candidates | names.brought | of_periods))
        return clues

    return wait


def _seeds(clue: _Clues) -> list[Key]:
    """Return the best that are known of a question so far: round them links are looked for."""
    known = base_scores(_shares(clue, {name: _known(found, clue) for name, found in clue.found.items()}))
    return best({key: known.get(key, 0.0) for key in clue.candidates}, SEEDS)


def _known(found: Found, clue: _Clues) -> Mapping[Key, float]:
    """Return what an arm says of the candidates without being asked again."""
    if found.look_up is None or found.is_complete:
        return found.scores
    return {**found.scores, **found.look_up([key for key in clue.candidates if key not in found.scores])}


def _score(
    questions: Sequence[Question], arms: Sequence[Arm], clues: Sequence[_Clues], links: Links
) -> Callable[[], list[Gathered]]:
    """Ask the arms for what they have not said of the candidates, and for these' traits."""
    everyone = {key for clue in clues for key in clue.candidates}
    names = {name for clue in clues for name in clue.names.members}
    waiting = [
        {arm.name: _rest(question, arm, clue) for arm in arms}
        for question, clue in giving_way(zip(questions, clues, strict=True))
    ]
    by_traits = lookup.read_traits(questions, everyone)
    by_names = lookup.read_named(questions, names, everyone)

    def wait() -> list[Gathered]:
        raws = [
            {arm.name: {**clue.found[arm.name].scores, **scores[arm.name]()} for arm in arms}
            for clue, scores in giving_way(zip(clues, waiting, strict=True))
        ]
        traits, named = by_traits(), by_names()
        return [
            _gathered(clue, raw, traits, named, links)
            for clue, raw in giving_way(zip(clues, raws, strict=True))
        ]

    return wait


def _gathered(
    clue: _Clues, raw: dict[str, dict[Key, float]], traits: dict[Key, Traits], named: Named, links: Links
) -> Gathered:
    evidence = Evidence(
        arms=raw,
        shares=_shares(clue, raw),
        traits={key: traits[key] for key in clue.candidates if key in traits},
        threads={key: value for found in clue.found.values() for key, value in found.threads.items()},
        names=clue.names,
        named=named,
        links=links,
    )
    return Gathered(evidence, {name: found.plan for name, found in clue.found.items()})


def _rest(question: Question, arm: Arm, clue: _Clues) -> Callable[[], dict[Key, float]]:
    """Ask for an arm's figures of the candidates that it did not find itself."""
    found = clue.found[arm.name]
    missing = [] if found.is_complete else [key for key in clue.candidates if key not in found.scores]
    if not missing:
        return dict
    if found.look_up is not None:
        return partial(found.look_up, missing)
    return arm.score(question, found, missing)


def _shares(clue: _Clues, raw: Mapping[str, Mapping[Key, float]]) -> dict[str, dict[Key, float]]:
    """Return the arms' shares for the candidates."""
    return {name: found.shares(raw[name], clue.candidates) for name, found in clue.found.items()}
