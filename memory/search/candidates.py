"""Candidate generation: collect candidates and their signals in four round trips, for one question or fifty.

1. Find candidates by every arm, and by the questions' names and periods.
2. Read the links of the best candidates, and 3. of the memories they link to; linked memories become candidates.
4. Score each arm's missing candidates, and read the traits of those that pass the filters.

The statements of a step share a pipelined round trip, and what several questions need is read once.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from liftos.kernel.db.interleave import Work
from liftos.kernel.db.transactions import pipelined
from liftos.kernel.precedence import giving_way
from liftos.kernel.telemetry.tracing.tracer import TRACER
from memory.search.arms.interface import Arm, Found
from memory.search.exact import find_coded, read_codes
from memory.search.fusion import best, fuse, weigh
from memory.search.relations import lookup
from memory.search.relations.lookup import Links, Named
from memory.search.relations.spreading_activation import SEEDS
from memory.search.signals import QueryEntities, Signals, Traits
from memory.search.types import Key, Question


@dataclass(slots=True)
class _Pool:
    """A question's candidates so far, with the arms' results."""

    found: dict[str, Found]
    weights: dict[str, float]
    entities: QueryEntities
    candidates: set[Key]

    def shares(self, raw: Mapping[str, Mapping[Key, float]]) -> dict[str, dict[Key, float]]:
        """Return the arms' shares of the candidates."""
        return {name: found.shares(raw[name], self.candidates) for name, found in self.found.items()}

    def missing(self, found: Found) -> list[Key]:
        """Return the candidates that an arm has not scored."""
        return [key for key in self.candidates if key not in found.scores]

    def seeds(self) -> list[Key]:
        """Return the best candidates by the scores available without another statement."""
        known = {
            name: found.scores
            if found.look_up is None
            else {**found.scores, **found.look_up(self.missing(found))}
            for name, found in self.found.items()
        }
        scores = fuse(self.shares(known), self.weights)
        return best({key: scores.get(key, 0.0) for key in self.candidates}, SEEDS)


def candidates_of_one_arm(questions: Sequence[Question], arm: Arm, limit: int) -> list[Signals]:
    """Return the signals of searches by a single arm."""
    with TRACER.span("search." + arm.name, count=len(questions)), pipelined():
        found = _find(arm, questions, limit)()
    signals = []
    for each in found:
        scores = {key: each.scores[key] for key in each.candidates(limit)}
        signals.append(
            Signals(
                {arm.name: scores},
                {arm.name: each.shares(scores, scores)},
                {arm.name: each.plan},
                rows=each.rows,
                evidence={arm.name: each.evidence},
                passages={arm.name: each.share_passages},
            )
        )
    return signals


def candidates_of_all(questions: Sequence[Question], arms: Sequence[Arm], limit: int) -> Work[list[Signals]]:
    """Return the signals of searches by several arms and relations; yields before each wait for Postgres.

    Args:
        questions: of one batch.
        arms: the arms of the search.
        limit: number of candidates per arm.
    """
    finding = _find_all(questions, arms, limit)
    yield
    with TRACER.span("search.find", count=len(questions)) as span:
        pools = finding()
        span.set_tag("plans", {name: found.plan for pool in pools for name, found in pool.found.items()})
    seeds = [pool.seeds() for pool in giving_way(pools)]
    every_seed = {key for own in seeds for key in own}
    nearest = lookup.read_links(questions, every_seed)
    yield
    with TRACER.span("search.links"):
        links = nearest()
        reached = {edge.other for edges in links.values() for edge in edges} - every_seed
        links |= lookup.read_links(questions, reached)()
        for pool, own in giving_way(zip(pools, seeds, strict=True)):
            near = {edge.other for key in own for edge in links.get(key, ())}
            pool.candidates |= near | {edge.other for key in near for edge in links.get(key, ())}
    scoring = _score(questions, pools, links)
    yield
    with TRACER.span("search.score"):
        return scoring()


def _find_all(questions: Sequence[Question], arms: Sequence[Arm], limit: int) -> Callable[[], list[_Pool]]:
    """Send the statements of every arm, and those for the questions' names and periods."""
    by_names, by_periods = lookup.find_names(questions), lookup.find_in_periods(questions)
    by_codes = find_coded(questions)
    # in reverse: the words arm needs most work on its results, which overlaps with the other statements
    by_arms = {arm.name: _find(arm, questions, limit) for arm in reversed(arms)}

    def wait() -> list[_Pool]:
        known, dated, coded = by_names(), by_periods(), by_codes()
        found = {name: wait() for name, wait in by_arms.items()}
        pools = []
        for number, question in enumerate(giving_way(questions)):
            # an arm that does not apply to a question must not dilute the others
            own = {arm.name: found[arm.name][number] for arm in arms if question.can_ask(arm.name)}
            entities = lookup.entities_of(question, known)
            candidates = {key for each in own.values() for key in each.candidates(limit)}
            weights = weigh(
                {arm.name: arm.weight for arm in arms if arm.name in own},
                {name: each.evidence for name, each in own.items()},
            )
            pools.append(
                _Pool(own, weights, entities, candidates | entities.brought | dated[number] | coded[number])
            )
        return pools

    return wait


def _find(arm: Arm, questions: Sequence[Question], limit: int) -> Callable[[], list[Found]]:
    """Search by an arm for the questions it applies to; the result for others is empty."""
    asked = [question for question in questions if question.can_ask(arm.name)]
    finding = arm.find(asked, limit)
    if len(asked) == len(questions):
        return finding

    def wait() -> list[Found]:
        found = iter(finding())
        return [next(found) if question.can_ask(arm.name) else Found() for question in questions]

    return wait


def _score(
    questions: Sequence[Question], pools: Sequence[_Pool], links: Links
) -> Callable[[], list[Signals]]:
    """Score each arm's missing candidates, and read the traits of all."""
    everyone = {key for pool in pools for key in pool.candidates}
    # a dict keeps the order deterministic
    names = dict.fromkeys(name for pool in pools for name in pool.entities.members)
    waiting = [
        {name: _score_missing(pool, found) for name, found in pool.found.items()}
        for pool in giving_way(pools)
    ]
    by_traits = lookup.read_traits(questions, everyone)
    by_names = lookup.read_named(questions, names, everyone)
    by_codes = read_codes(questions, [pool.candidates for pool in pools])

    def wait() -> list[Signals]:
        raws = [
            {name: {**found.scores, **scores[name]()} for name, found in pool.found.items()}
            for pool, scores in giving_way(zip(pools, waiting, strict=True))
        ]
        traits, named, codes = by_traits(), by_names(), by_codes()
        return [
            _signals(pool, raw, traits, codes[number], named, links)
            for number, (pool, raw) in enumerate(giving_way(zip(pools, raws, strict=True)))
        ]

    return wait


def _score_missing(pool: _Pool, found: Found) -> Callable[[], dict[Key, float]]:
    missing = pool.missing(found)
    if missing and found.look_up is not None:
        return partial(found.look_up, missing)
    return found.ask(missing) if missing and found.ask is not None else dict


def _signals(
    pool: _Pool,
    raw: dict[str, dict[Key, float]],
    traits: dict[Key, Traits],
    codes: dict[Key, float],
    named: Named,
    links: Links,
) -> Signals:
    return Signals(
        arms=raw,
        shares=pool.shares(raw),
        weights=pool.weights,
        evidence={name: found.evidence for name, found in pool.found.items()},
        plans={name: found.plan for name, found in pool.found.items()},
        traits={key: traits[key] for key in pool.candidates if key in traits},
        threads={key: value for found in pool.found.values() for key, value in found.threads.items()},
        entities=pool.entities,
        codes=codes,
        named=named,
        links=links,
        passages={name: found.share_passages for name, found in pool.found.items()},
    )
