"""Rank a question's candidates by their signals. Pure.

Scores rather than ranks are added, so that the size of a lead counts. Each kind of evidence gives a candidate a share, 0..1, times
its weight; the arms together weigh 1. The weights of the kinds that occur in a search (a matching thread, a named period, …)
are scaled to sum to 1, so that a score is the share of the available evidence. The weights are round numbers from a plateau of
measured values (docs/retrieval.md).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from math import exp, log

from memory.analysis.entities import ACTOR
from memory.search.fusion import best, fuse, weigh
from memory.search.query_analysis import QueryAnalysis
from memory.search.relations.spreading_activation import SEEDS, Activation, spread
from memory.search.signals import Signals
from memory.search.types import (
    AbstainReason,
    Key,
    Question,
    Ranked,
    Row,
    ScorePassages,
    SearchRequest,
    Step,
    Term,
)
from memory.search.weights import WEIGHTS

_DAY = 86_400.0


Measured = dict[str, dict[Key, tuple[float, float]]]  # evidence to memory to (raw, share)


@dataclass(frozen=True, slots=True)
class Ranking:
    """A question's ranked candidates.

    Attributes:
        ranked: best first.
        plans: query plan by arm that took part.
        rows: the memories' rows, if an arm joined them.
        candidates: number of memories scored.
        below: number of these that scored less than the request's `min_score`.
        passages: by arm, what gives the shares of memories' passages.
        named: the best share of entities, which the query names and a memory mentions.
        is_dated: whether a memory is in a period that the query names.
        confidence: how sure it is that the first answers, 0..1; None if nothing was found.
        doubt: why nothing is likely to answer; None if something may.
    """

    ranked: list[Ranked]
    plans: Mapping[str, str] = field(default_factory=dict)
    rows: Mapping[Key, Row] | None = None
    passages: Mapping[str, ScorePassages] = field(default_factory=dict)
    candidates: int = 0
    below: int = 0
    named: float = 0.0
    is_dated: bool = False
    confidence: float | None = None
    doubt: AbstainReason | None = None

    @property
    def abstain_reason(self) -> AbstainReason | None:
        """The reason why nothing is likely to answer; None if the first may."""
        if self.ranked or self.doubt is AbstainReason.NOTHING_ASKED:
            return self.doubt
        return AbstainReason.BELOW_MIN_SCORE if self.below else AbstainReason.NOTHING_FOUND

    def above(self, min_score: float) -> "Ranking":
        """Return the ranking without memories of a lower score."""
        kept = [entry for entry in self.ranked if entry.score >= min_score]
        return replace(self, ranked=kept, below=len(self.ranked) - len(kept))


def rank_by_one_arm(signals: Signals) -> Ranking:
    """Rank by the scores of the search's only arm."""
    [(arm, shares)] = signals.shares.items()
    raw = signals.arms[arm]
    ranked = [
        Ranked(memory, shares[memory], (Term(arm, raw[memory], shares[memory], 1.0),))
        # by raw scores: shares below and above the arm's scale are equal
        for memory in best(raw, len(raw))
    ]
    return Ranking(ranked, signals.plans, signals.rows, signals.passages, len(ranked))


def rank(signals: Signals, question: Question, most: int) -> Ranking:
    """Rank all candidates; the first `most` get the terms that sum to their score.

    Args:
        signals: of the candidates.
        question: its request may add weights for recency and importance, and exclude signals.
        most: number of candidates to explain.
    """
    request, analysis, asked_at = question.request, question.analysis, question.asked_at
    traits = signals.traits
    arm_weights = signals.weights or weigh(
        dict.fromkeys(signals.shares, 1.0), dict.fromkeys(signals.shares, 1.0)
    )
    # candidates without traits failed the filters; those without an arm's score may still be reached by relations
    scores = dict.fromkeys(traits, 0.0)
    for memory, score in fuse(signals.shares, arm_weights).items():
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
    # scale the weights that occur to sum to 1
    scale = 1 / (float(bool(signals.shares)) + sum(weights[name] for name in measured) or 1.0)

    def explained(memory: Key) -> Ranked:
        terms = [
            Term(arm, signals.arms[arm].get(memory, 0.0), shares.get(memory, 0.0), arm_weights[arm] * scale)
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
    named = max((share for _, share in measured.get("entities", {}).values()), default=0.0)
    return Ranking(
        ranked,
        signals.plans,
        passages=signals.passages,
        candidates=len(ranked),
        named=named,
        is_dated="period" in measured,
    )


def _measure(
    signals: Signals, analysis: QueryAnalysis, request: SearchRequest, asked_at: datetime
) -> Measured:
    """Return the evidence other than arms and links that occurs and is not excluded."""
    measured: Measured = {
        "thread": _threads(signals),
        **_names(signals),
        "period": _periods(signals, analysis),
        "fit": _fit(signals, analysis),
        "codes": {key: (share, share) for key, share in signals.codes.items() if key in signals.traits},
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
    """Return the evidence from entities the question names: as actor, and as subject, where rare ones count more."""
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
    """Return how well a memory's form suits a question: statements answer, and those with a time answer "when"."""
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
