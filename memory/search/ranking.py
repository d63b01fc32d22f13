"""From evidence to a ranking. Pure.

Scores, not ranks, are added: how much better a candidate is must count. Each kind of evidence gives every candidate a share,
0..1, and is worth its weight; the arms together are worth 1. The weights of what occurs in a search (somebody is in a
thread, the question names a period, …) are scaled to sum to 1, so that a score is the share of the evidence that
could be had. The weights were chosen as round numbers on a plateau (docs/retrieval.md).
"""

from collections.abc import Mapping
from datetime import datetime
from math import exp, log
from uuid import UUID

from memory.entities import ACTOR
from memory.search.evidence import RARE, Evidence
from memory.search.question import Wording
from memory.search.spread import spread
from memory.search.types import Ranked, SearchRequest, Step, Term

WEIGHTS = {"thread": 0.3, "actor": 0.2, "period": 0.3, "entities": 0.1, "links": 0.4, "fit": 0.2}
# memories from which activation spreads
SEEDS = 40
_DAY = 86_400.0


Measured = dict[str, dict[UUID, tuple[float, float]]]  # evidence to memory to (raw, share)


def base_scores(shares: Mapping[str, Mapping[UUID, float]]) -> dict[UUID, float]:
    """Return the sum of the arms' shares, equally weighted, for every memory of any arm."""
    scores: dict[UUID, float] = {}
    for each in shares.values():
        for memory, share in each.items():
            scores[memory] = scores.get(memory, 0.0) + share / len(shares)
    return scores


def best(scores: Mapping[UUID, float], count: int) -> list[UUID]:
    """Return the memories with the highest scores; ties by id, so that a search repeats itself."""
    return sorted(scores, key=lambda memory: (-scores[memory], memory))[:count]


def rank_by_one(arm: str, raw: Mapping[UUID, float], shares: Mapping[UUID, float]) -> list[Ranked]:
    """Return the ranking of a search in which one arm takes part and nothing else."""
    return [
        Ranked(memory, shares[memory], (Term(arm, raw[memory], shares[memory], 1.0),))
        for memory in best(shares, len(shares))
    ]


def rank(
    evidence: Evidence, wording: Wording, request: SearchRequest, asked_at: datetime, most: int
) -> list[Ranked]:
    """Return all candidates, best first; the first `most` with the terms that sum to their score.

    Args:
        evidence: what is known.
        wording: what the query says.
        request: optional weights of recency and importance.
        asked_at: aware UTC, for recency.
        most: how many are shown.
    """
    base = {
        memory: score for memory, score in base_scores(evidence.shares).items() if memory in evidence.traits
    }
    measured: Measured = {
        "thread": _threads(evidence),
        **_names(evidence),
        "period": _periods(evidence, wording),
        "fit": _fit(evidence, wording),
    }
    weights = dict(WEIGHTS)
    if request.recency:
        weights["recency"] = request.recency
        measured["recency"] = _recency(evidence, asked_at, request.half_life_days)
    if request.importance:
        weights["importance"] = request.importance
        measured["importance"] = {
            memory: (traits.importance, traits.importance) for memory, traits in evidence.traits.items()
        }
    measured = {name: found for name, found in measured.items() if name not in request.without}
    own = dict(base)
    for name, found in measured.items():
        for memory, (_, share) in found.items():
            own[memory] = own.get(memory, 0.0) + weights[name] * share
    edges = () if "links" in request.without else evidence.edges
    seeds = {memory: base[memory] for memory in best({each: own[each] for each in base}, SEEDS)}
    asking = frozenset(memory for memory, traits in evidence.traits.items() if traits.asks)
    reached = {
        memory: activation
        for memory, activation in spread(edges, seeds, asking).items()
        if memory in evidence.traits
    }
    measured["links"] = {memory: (each.value, min(1.0, each.value)) for memory, each in reached.items()}
    measured = {name: found for name, found in measured.items() if found}
    scale = 1 / ((1.0 if evidence.shares else 0.0) + sum(weights[name] for name in measured) or 1.0)

    scores = {memory: score * scale for memory, score in base.items()}
    for name, found in measured.items():
        weight = weights[name] * scale
        for memory, (_, share) in found.items():
            scores[memory] = scores.get(memory, 0.0) + weight * share
    order = best(scores, len(scores))

    def explained(memory: UUID) -> Ranked:
        terms = [
            Term(
                arm,
                evidence.arms[arm].get(memory, 0.0),
                shares.get(memory, 0.0),
                scale / len(evidence.shares),
            )
            for arm, shares in evidence.shares.items()
        ]
        terms += [
            Term(name, *found[memory], weights[name] * scale)
            for name, found in measured.items()
            if memory in found
        ]
        path = reached[memory].path if memory in reached else ()
        names = tuple(Step(kind, name=name) for who, name, kind in evidence.named if who == memory)
        return Ranked(memory, scores[memory], tuple(terms), (*names, *path))

    return [
        explained(memory) if place < most else Ranked(memory, scores[memory], ())
        for place, memory in enumerate(order)
    ]


def _threads(evidence: Evidence) -> dict[UUID, tuple[float, float]]:
    strongest = max(evidence.threads.values(), default=0.0)
    if not strongest:
        return {}
    return {
        memory: (raw, raw / strongest)
        for memory, traits in evidence.traits.items()
        if traits.thread is not None and (raw := evidence.threads.get(traits.thread, 0.0)) > 0
    }


def _names(evidence: Evidence) -> Measured:
    """Return who acted, and how much of what the question names a memory is about, the rare counting more."""
    worth = {name: log(1 + (RARE + 1) / members) for name, members in evidence.names.members.items()}
    actors: dict[UUID, tuple[float, float]] = {}
    about: dict[UUID, float] = {}
    for memory, name, kind in evidence.named:
        if memory not in evidence.traits:
            continue
        if kind == ACTOR:
            actors[memory] = (1.0, 1.0)
        else:
            about[memory] = about.get(memory, 0.0) + worth.get(name, 0.0)
    strongest = max(about.values(), default=1.0)
    return {"actor": actors, "entities": {memory: (raw, raw / strongest) for memory, raw in about.items()}}


def _periods(evidence: Evidence, wording: Wording) -> dict[UUID, tuple[float, float]]:
    found = {}
    for memory, traits in evidence.traits.items() if wording.periods else ():
        share = max(period.share(traits.happened_at) for period in wording.periods)
        if share:
            found[memory] = (share, share)
    return found


def _fit(evidence: Evidence, wording: Wording) -> dict[UUID, tuple[float, float]]:
    """Return how well a memory's form suits the question's: a statement answers, one with a time answers "when"."""
    if not wording.asks:
        return {}
    found = {}
    for memory, traits in evidence.traits.items():
        raw = float(not traits.asks) + float(wording.asks_when and traits.tells_time)
        if raw:
            found[memory] = (raw, raw / 2)
    return found


def _recency(
    evidence: Evidence, asked_at: datetime, half_life_days: float
) -> dict[UUID, tuple[float, float]]:
    found = {}
    for memory, traits in evidence.traits.items():
        days = max(0.0, (asked_at - traits.recorded_at).total_seconds()) / _DAY
        found[memory] = (days, exp(-log(2) * days / half_life_days))
    return found
