"""From evidence to a ranking. Pure.

Scores, not ranks, are added: how much better a candidate is must count. Each kind of evidence gives every candidate a share,
0..1, and is worth its weight; the arms together are worth 1. The weights of what occurs in a search (somebody is in a
thread, the question names a period, …) are scaled to sum to 1, so that a score is the share of the evidence that
could be had. The weights were chosen as round numbers on a plateau (docs/retrieval.md).
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from math import exp, log

from memory.analysis.entities import ACTOR
from memory.search.query_analysis import Wording
from memory.search.relations.spreading_activation import Activation, spread
from memory.search.signals import Evidence
from memory.search.types import Key, Ranked, SearchRequest, Step, Term

WEIGHTS = {"thread": 0.3, "actor": 0.2, "period": 0.3, "entities": 0.1, "links": 0.4, "fit": 0.2}
# memories from which activation spreads
SEEDS = 20
_DAY = 86_400.0


Measured = dict[str, dict[Key, tuple[float, float]]]  # evidence to memory to (raw, share)


def base_scores(shares: Mapping[str, Mapping[Key, float]]) -> dict[Key, float]:
    """Return the sum of the arms' shares, equally weighted, for every memory of any arm."""
    scores: dict[Key, float] = {}
    for each in shares.values():
        part = 1 / len(shares)
        for memory, share in each.items():
            scores[memory] = scores.get(memory, 0.0) + share * part
    return scores


def best(scores: Mapping[Key, float], count: int) -> list[Key]:
    """Return the memories with the highest scores; ties by id, so that a search repeats itself."""
    return sorted(scores, key=lambda memory: (-scores[memory], memory))[:count]


def rank_by_one(arm: str, raw: Mapping[Key, float], shares: Mapping[Key, float]) -> list[Ranked]:
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
        request: optional weights of recency and importance; evidence to leave out.
        asked_at: aware UTC, for recency.
        most: how many are shown.
    """
    traits = evidence.traits
    # what the filters refuse has no traits; what an arm has no figure for may still be reached by relation
    scores = dict.fromkeys(traits, 0.0)
    for memory, score in base_scores(evidence.shares).items():
        if memory in scores:
            scores[memory] = score
    base = dict(scores)
    weights = WEIGHTS | {"recency": request.recency, "importance": request.importance}
    measured = _measure(evidence, wording, request, asked_at)
    for name, found in measured.items():
        weight = weights[name]
        for memory, (_, share) in found.items():
            scores[memory] += weight * share
    reached: dict[Key, Activation] = {}
    if "links" not in request.without:
        seeds = {memory: base[memory] for memory in best(scores, SEEDS)}
        asking = {memory for memory in seeds if traits[memory].asks}
        reached = {key: each for key, each in spread(evidence.links, seeds, asking).items() if key in traits}
    if reached:
        measured["links"] = {memory: (each.value, min(1.0, each.value)) for memory, each in reached.items()}
        for memory, (_, share) in measured["links"].items():
            scores[memory] += weights["links"] * share
    # the weights of what there is sum to 1
    scale = 1 / (float(bool(evidence.shares)) + sum(weights[name] for name in measured) or 1.0)
    part = scale / max(1, len(evidence.shares))

    def explained(memory: Key) -> Ranked:
        terms = [
            Term(arm, evidence.arms[arm].get(memory, 0.0), shares.get(memory, 0.0), part)
            for arm, shares in evidence.shares.items()
        ]
        terms += [
            Term(name, *found[memory], weights[name] * scale)
            for name, found in measured.items()
            if memory in found
        ]
        about = evidence.named.get(memory, ())
        names = tuple(Step(kind, name=name) for name, kind in about if name in evidence.names.members)
        path = reached[memory].steps if memory in reached else ()
        return Ranked(memory, scores[memory] * scale, tuple(terms), (*names, *path))

    return [
        explained(memory) if place < most else Ranked(memory, scores[memory] * scale, ())
        for place, memory in enumerate(best(scores, len(scores)))
    ]


def _measure(evidence: Evidence, wording: Wording, request: SearchRequest, asked_at: datetime) -> Measured:
    """Return every kind of evidence but the arms' and the links', as far as it occurs and is wanted."""
    measured: Measured = {
        "thread": _threads(evidence),
        **_names(evidence),
        "period": _periods(evidence, wording),
        "fit": _fit(evidence, wording),
    }
    if request.recency:
        measured["recency"] = _recency(evidence, asked_at.timestamp(), request.half_life_days)
    if request.importance:
        measured["importance"] = {
            key: (traits.importance, traits.importance) for key, traits in evidence.traits.items()
        }
    return {name: found for name, found in measured.items() if found and name not in request.without}


def _threads(evidence: Evidence) -> dict[Key, tuple[float, float]]:
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
    worth = {name: 1 / (1 + log(members)) for name, members in evidence.names.members.items()}
    if not worth:
        return {}
    actors: dict[Key, tuple[float, float]] = {}
    about: dict[Key, float] = {}
    for memory in evidence.traits:
        for name, kind in evidence.named.get(memory, ()):
            if name not in worth:
                continue
            if kind == ACTOR:
                actors[memory] = (1.0, 1.0)
            else:
                about[memory] = about.get(memory, 0.0) + worth[name]
    return {"actor": actors, "entities": {memory: (raw, min(1.0, raw)) for memory, raw in about.items()}}


def _periods(evidence: Evidence, wording: Wording) -> dict[Key, tuple[float, float]]:
    found = {}
    for memory, traits in evidence.traits.items() if wording.periods else ():
        moment = datetime.fromtimestamp(traits.happened_at, UTC)
        share = max(period.share(moment) for period in wording.periods)
        if share:
            found[memory] = (share, share)
    return found


def _fit(evidence: Evidence, wording: Wording) -> dict[Key, tuple[float, float]]:
    """Return how well a memory's form suits the question's: a statement answers, one with a time answers "when"."""
    if not wording.asks:
        return {}
    found = {}
    for memory, traits in evidence.traits.items():
        raw = float(not traits.asks) + float(wording.asks_when and traits.tells_time)
        if raw:
            found[memory] = (raw, raw / 2)
    return found


def _recency(evidence: Evidence, asked_at: float, half_life_days: float) -> dict[Key, tuple[float, float]]:
    found = {}
    for memory, traits in evidence.traits.items():
        days = max(0.0, asked_at - traits.recorded_at) / _DAY
        found[memory] = (days, exp(-log(2) * days / half_life_days))
    return found
