"""Decision records of searches: the query, the hits, the runners-up and the reasoning."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from accountability.operations import record
from accountability.types import Effect
from liftos.kernel.db.viewers import scope_of_act
from liftos.kernel.precedence import giving_way
from liftos.kernel.tenancy.types import Actor
from memory.analysis.words import ANALYSER
from memory.policies import recordable
from memory.search.arms.interface import Arm
from memory.search.as_json import collapsed_of
from memory.search.confidence import MEAN, METHOD, mean_confidence
from memory.search.ranking import Ranking
from memory.search.types import Hit, Question, SearchRequest

# number of runners-up in the record
NOT_CHOSEN = 5
DECISION_POINT = "search.rank"


def record_search(
    question: Question,
    found: Ranking,
    hits: Sequence[Hit],
    others: Sequence[Hit],
    *,
    by: Actor,
    arms: Sequence[Arm],
    degraded: tuple[str, ...],
) -> UUID:
    """Record a search; return the decision's id.

    Args:
        question: the question.
        found: all candidates.
        hits: the results.
        others: the runners-up.
        by: the actor.
        arms: the arms of the search, including those that failed.
        degraded: names of parts that failed.
    """
    request = question.request
    return record(
        organisation=question.organisation,
        by=by,
        operation="memory.search",
        # the runners-up are named too
        scope_id=scope_of_act(hit.scope for hit in (*hits, *others)),
        decision_point=DECISION_POINT,
        effect=Effect.READ,
        reasoning=_reasoning(question, found, degraded),
        inputs=recordable(question.organisation, {"query": request.query} | _options(request)),
        outputs={
            "count": len(hits), "candidates": found.candidates, "plans": {**found.plans, **question.not_asked}, "degraded": list(degraded),
            "abstain_reason": found.abstain_reason, "below_min_score": found.below,
            "collapsed": collapsed_of(hits),
        },
        alternatives=[_receipt(hit) for hit in others],
        memories=[_receipt(hit) for hit in hits],
        confidence=found.confidence,
        confidence_method=METHOD if found.confidence is not None else "",
        versions=_versions(question, arms),
        started_at=question.asked_at,
    )  # fmt: skip


def record_searches(
    questions: Sequence[Question],
    found: Sequence[Ranking],
    hits: Sequence[Sequence[Hit]],
    *,
    by: Actor,
    arms: Sequence[Arm],
    degraded: tuple[str, ...],
) -> UUID:
    """Record a batch of searches in one decision with the results of each; return its id."""
    request = questions[0].request
    # a model of the whole batch, which all readable questions share
    asking = max(questions, key=lambda question: len(question.prepared))
    confidence = mean_confidence([each.confidence for each in found])
    return record(
        organisation=questions[0].organisation,
        by=by,
        operation="memory.search_many",
        decision_point=DECISION_POINT,
        effect=Effect.READ,
        reasoning=f"{len(questions)} {request.search_type} searches by {_ways(found[0])}: of "
        f"{sum(each.candidates for each in found)} candidates the best {sum(map(len, hits))} returned."
        + (f" Without {', '.join(degraded)}." if degraded else ""),
        inputs=recordable(
            questions[0].organisation,
            {"queries": [question.request.query for question in questions]} | _options(request),
        ),
        outputs={
            "counts": [len(each) for each in hits],
            "degraded": list(degraded),
            "abstain_reasons": [each.abstain_reason for each in found],
            "below_min_score": [each.below for each in found],
            "collapsed": [collapsed_of(some) for some in hits],
        },
        memories=[
            {"query": number, "id": str(hit.id), "version": hit.version, "score": round(hit.ranked.score, 6)}
            for number, some in enumerate(giving_way(hits))
            for hit in some
        ],
        confidence=confidence,
        confidence_method=MEAN if confidence is not None else "",
        versions=_versions(asking, arms),
        started_at=questions[0].asked_at,
    )


def _versions(question: Question, arms: Sequence[Arm]) -> dict[str, Any]:
    versions: dict[str, Any] = {"analyser": ANALYSER, "embedding_model": None}
    for arm in arms:
        if question.can_ask(arm.name):
            versions |= arm.versions(question)
    return versions


def _ways(found: Ranking) -> str:
    return ", ".join(f"{arm} ({plan})" for arm, plan in found.plans.items()) or "no arm"


def _options(request: SearchRequest) -> dict[str, Any]:
    options: dict[str, Any] = {
        "search_type": request.search_type,
        "limit": request.limit,
        **({"offset": request.offset} if request.offset else {}),
        "filters": [each.as_json() for each in request.conditions],
        "memory_type": request.memory_type,
    }
    for name in ("as_of", "known_at", "happened_from", "happened_until"):
        if (moment := getattr(request, name)) is not None:
            options[name] = moment.isoformat()
    if request.states is not None:
        options["states"] = [str(state) for state in request.states]
    if request.tags:
        options["tags"] = list(request.tags)
    options |= request.narrowing.as_json()
    if request.recency:
        options |= {"recency": request.recency, "half_life_days": request.half_life_days}
    if request.importance:
        options["importance"] = request.importance
    if request.min_score:
        options["min_score"] = request.min_score
    if request.diversity:
        options["diversity"] = request.diversity
    if request.is_conceptual:
        options |= {
            "space": str(request.space) if request.space else None,
            "space_version": request.space_version,
            "target": dict(request.target),
            "concept": request.concept,
            "example": str(request.example) if request.example else None,
        }
    return options


def _narrowed(request: SearchRequest) -> list[str]:
    """Return the names of the filters used."""
    others = ("memory_type", "states", "as_of", "known_at", "tags", "happened_from", "happened_until")
    keys = [each.key for part in request.conditions for each in part.conditions()]
    return [*keys, *(name for name in others if getattr(request, name)), *request.narrowing.used()]


def _receipt(hit: Hit) -> dict[str, object]:
    return {
        "id": str(hit.id),
        "version": hit.version,
        "score": round(hit.ranked.score, 6),
        "terms": {term.arm: round(term.value, 6) for term in hit.ranked.terms},
    }


def _reasoning(question: Question, found: Ranking, degraded: tuple[str, ...]) -> str:
    request = question.request
    returned = min(request.limit, len(found.ranked))
    text = f"{request.search_type} search by {_ways(found)}: {found.candidates} candidates scored, the best {returned} returned."
    if question.not_asked:
        text += f" Not by {', '.join(f'{arm} ({why} query)' for arm, why in question.not_asked.items())}."
    if request.is_filtered:
        text += f" Filters on {', '.join(_narrowed(request))} came first."
    if found.below:
        text += f" {found.below} scored below {request.min_score:g} and were left out."
    if request.diversity:
        folded = sum(entry.collapsed for entry in found.ranked[:returned])
        text += f" {folded} near-doubles were collapsed."
    if found.abstain_reason:
        text += f" Abstained: {found.abstain_reason.replace('_', ' ')}."
    if found.ranked and found.ranked[0].terms:
        best = found.ranked[0]
        strongest = max(best.terms, key=lambda term: term.value)
        text += (
            f" The first scored {best.score:.3f}, most of it ({strongest.value:.3f}) from {strongest.arm}."
        )
        if best.path:
            text += f" It was also reached by {', '.join(step.name or step.kind for step in best.path)}."
    if degraded:
        text += f" Without {', '.join(degraded)}."
    return text
