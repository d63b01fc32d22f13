"""Ranking: from a question's signals to its candidates in order. Pure.

Scores, not ranks, are added: how much better a candidate is must count. Each kind of evidence gives every candidate a share,
0..1, and is worth its weight; the arms together are worth 1. The weights of what occurs in a search (somebody is in a
thread, the question names a period, …) are scaled to sum to 1, so that a score is the share of the evidence that
could be had. The weights were chosen as round numbers on a plateau (docs/retrieval.md).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import exp, log

from memory.analysis.entities import ACTOR
from memory.search.fusion import best, fuse
from memory.search.query_analysis import QueryAnalysis
from memory.search.relations.spreading_activation import SEEDS, Activation, spread
from memory.search.signals import Signals
from memory.search.types import Key, Question, Ranked, Row, SearchRequest, Step, Term

WEIGHTS = {"thread": 0.3, "actor": 0.2, "period": 0.3, "entities": 0.1, "links": 0.4, "fit": 0.2}
_DAY = 86_400.0


Measured = dict[str, dict[Key, tuple[float, float]]]  # evidence to memory to (raw, share)


@dataclass(frozen=True, slots=True)
class Ranking:
    """A question's candidates in order.

    Attributes:
        ranked: best first.
        plans: arm that took part to how it asked Postgres.
        rows: the memories themselves, if an arm joined them.
    """

    ranked: list[Ranked]
    plans: Mapping[str, str] = field(default_factory=dict)
    rows: Mapping[Key, Row] | None = None


def rank_by_one_arm(signals: Signals) -> Ranking:
    """Return the ranking of a search that one arm answers alone: by its share and nothing else."""
    [(arm, shares)] = signals.shares.items()
    raw = signals.arms[arm]
    ranked = [
        Ranked(memory, shares[memory], (Term(arm, raw[memory], shares[memory], 1.0),))
        for memory in best(shares, len(shares))
    ]
    return Ranking(ranked, signals.plans, signals.rows)


def rank(signals: Signals, question: Question, most: int) -> Ranking:
    """Return all candidates, best first; the first `most` with the terms that sum to their score.

    Args:
        signals: what is known of them.
        question: its request may weigh recency and importance, and leave signals out.
        most: how many are shown.
    """
    request, analysis, asked_at = question.request, question.analysis, question.asked_at
    traits = signals.traits
    # what the filters refuse has no traits; what an arm has no figure for may still be reached by relation
    scores = dict.fromkeys(traits, 0.0)
    for memory, score in fuse(signals.shares).items():
        if memory in scores:
            scores[memory] = score
    base = dict(scores)
    weights = WEIGHTS | {"recency": request.recency, "importance": request.importance}
    measured = _measure(signals, analysis, request, asked_at)
    for name, found in measured.items():
        weight = weights[name]
        for memory, (_, share) in found.items():
            scores[memory] += weight * share
    reached: dict[Key, Activation] = {}
    if "links" not in request.without:
        seeds = {memory: base[memory] for memory in best(scores, SEEDS)}
        asking = {memory for memory in seeds if traits[memory].asks}
        reached = {key: each for key, each in spread(signals.links, seeds, asking).items() if key in traits}
    if reached:
        measured["links"] = {memory: (each.value, min(1.0, each.value)) for memory, each in reached.items()}
        for memory, (_, share) in measured["links"].items():
            scores[memory] += weights["links"] * share
    # the weights of what there is sum to 1
    scale = 1 / (float(bool(signals.shares)) + sum(weights[name] for name in measured) or 1.0)
    part = scale / max(1, len(signals.shares))

    def explained(memory: Key) -> Ranked:
        terms = [
            Term(arm, signals.arms[arm].get(memory, 0.0), shares.get(memory, 0.0), part)
            for arm, shares in signals.shares.items()
        ]
        terms += [
            Term(name, *found[memory], weights[name] * scale)
            for name, found in measured.items()
            if memory in found
        ]
        about = signals.named.get(memory, ())
        names = tuple(Step(kind, name=name) for name, kind in about if name in signals.entities.members)
        path = reached[memory].steps if memory in reached else ()
        return Ranked(memory, scores[memory] * scale, tuple(terms), (*names, *path))

    ranked = [
        explained(memory) if place < most else Ranked(memory, scores[memory] * scale, ())
        for place, memory in enumerate(best(scores, len(scores)))
    ]
    return Ranking(ranked, signals.plans)


def _measure(
    signals: Signals, analysis: QueryAnalysis, request: SearchRequest, asked_at: datetime
) -> Measured:
    """Return every kind of evidence but the arms' and the links', as far as it occurs and is wanted."""
    measured: Measured = {
        "thread": _threads(signals),
        **_names(signals),
        "period": _periods(signals, analysis),
        "fit": _fit(signals, analysis),
    }
    if request.recency:
        measured["recency"] = _recency(signals, asked_at.timestamp(), request.half_life_days)
    if request.importance:
        measured["importance"] = {
            key: (traits.importance, traits.importance) for key, traits in signals.traits.items()
        }
    return {name: found for name, found in measured.items() if found and name not in request.without}


def _threads(signals: Signals) -> dict[Key, tuple[float, float]]:
    strongest = max(signals.threads.values(), default=0.0)
    if not strongest:
        return {}
    return {
        memory: (raw, raw / strongest)
        for memory, traits in signals.traits.items()
        if traits.thread is not None and (raw := signals.threads.get(traits.thread, 0.0)) > 0
    }


def _names(signals: Signals) -> Measured:
    """Return who acted, and how much of what the question names a memory is about, the rare counting more."""
    worth = {name: 1 / (1 + log(members)) for name, members in signals.entities.members.items()}
    if not worth:
        return {}
    actors: dict[Key, tuple[float, float]] = {}
    about: dict[Key, float] = {}
    for memory in signals.traits:
        for name, kind in signals.named.get(memory, ()):
            if name not in worth:
                continue
            if kind == ACTOR:
                actors[memory] = (1.0, 1.0)
            else:
                about[memory] = about.get(memory, 0.0) + worth[name]
    return {"actor": actors, "entities": {memory: (raw, min(1.0, raw)) for memory, raw in about.items()}}


def _periods(signals: Signals, analysis: QueryAnalysis) -> dict[Key, tuple[float, float]]:
    found = {}
    for memory, traits in signals.traits.items() if analysis.periods else ():
        moment = datetime.fromtimestamp(traits.happened_at, UTC)
        share = max(period.share(moment) for period in analysis.periods)
        if share:
            found[memory] = (share, share)
    return found


def _fit(signals: Signals, analysis: QueryAnalysis) -> dict[Key, tuple[float, float]]:
    """Return how well a memory's form suits the question's: a statement answers, one with a time answers "when"."""
    if not analysis.asks:
        return {}
    found = {}
    for memory, traits in signals.traits.items():
        raw = float(not traits.asks) + float(analysis.asks_when and traits.tells_time)
        if raw:
            found[memory] = (raw, raw / 2)
    return found


def _recency(signals: Signals, asked_at: float, half_life_days: float) -> dict[Key, tuple[float, float]]:
    found = {}
    for memory, traits in signals.traits.items():
        days = max(0.0, asked_at - traits.recorded_at) / _DAY
        found[memory] = (days, exp(-log(2) * days / half_life_days))
    return found
