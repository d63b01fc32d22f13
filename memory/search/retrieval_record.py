"""A search as a decision record: who asked what, what was considered, and why this came first."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from accountability.operations import record
from accountability.types import Effect
from liftos.kernel.precedence import giving_way
from liftos.kernel.tenancy.types import Actor
from memory.analysis.words import ANALYSER
from memory.search.arms.interface import Arm, arms_for, is_only_in_spaces
from memory.search.confidence import confidence_of, confidence_of_many
from memory.search.types import Hit, Key, Question, Ranked, SearchRequest

# of the candidates that were not returned, how many the record names
NOT_CHOSEN = 5
DECISION_POINT = "search.rank"


@dataclass(frozen=True, slots=True)
class Ranking:
    """A question's candidates in order, the arms that took part, each one's plan, and the memories if they came along."""

    ranked: list[Ranked]
    arms: list[Arm]
    plans: dict[str, str]
    rows: dict[Key, tuple[Any, ...]] | None = None


def record_search(
    question: Question,
    found: Ranking,
    hits: Sequence[Hit],
    others: Sequence[Hit],
    by: Actor,
    degraded: tuple[str, ...],
) -> UUID:
    """Append the record of one search; return its id.

    Args:
        question: what was asked.
        found: all candidates.
        hits: what is returned.
        others: the next best.
        by: who asks.
        degraded: names of parts that could not take part.
    """
    request, ranked = question.request, found.ranked
    confidence, method = confidence_of(ranked, request.search_type, _coverage(request, found))
    return record(
        organisation=question.organisation,
        by=by,
        operation="memory.search",
        decision_point=DECISION_POINT,
        effect=Effect.READ,
        reasoning=_reasoning(request, found, degraded),
        inputs={"query": request.query} | _options(request),
        outputs={
            "count": len(hits), "candidates": len(ranked), "plans": found.plans, "degraded": list(degraded),
        },
        alternatives=[_receipt(hit) for hit in others],
        memories=[_receipt(hit) for hit in hits],
        confidence=confidence,
        confidence_method=method,
        versions={"analyser": ANALYSER, "embedding_model": question.model_id},
        started_at=question.asked_at,
    )  # fmt: skip


def record_searches(
    questions: Sequence[Question],
    found: Sequence[Ranking],
    hits: Sequence[Sequence[Hit]],
    by: Actor,
    degraded: tuple[str, ...],
) -> UUID:
    """Append one record of a batch of searches, with what each of them returned; return its id."""
    request = questions[0].request
    confidence, method = confidence_of_many(
        [each.ranked for each in found], request.search_type, _coverage(request, found[0])
    )
    ways = ", ".join(f"{arm.name} ({found[0].plans[arm.name]})" for arm in found[0].arms) or "no arm"
    return record(
        organisation=questions[0].organisation,
        by=by,
        operation="memory.search_many",
        decision_point=DECISION_POINT,
        effect=Effect.READ,
        reasoning=f"{len(questions)} {request.search_type} searches by {ways}: of "
        f"{sum(len(each.ranked) for each in found)} candidates the best {sum(map(len, hits))} returned."
        + (f" Without {', '.join(degraded)}." if degraded else ""),
        inputs={"queries": [question.request.query for question in questions]} | _options(request),
        outputs={"counts": [len(each) for each in hits], "degraded": list(degraded)},
        memories=[
            {"query": number, "id": str(hit.id), "version": hit.version, "score": round(hit.ranked.score, 6)}
            for number, some in enumerate(giving_way(hits))
            for hit in some
        ],
        confidence=confidence,
        confidence_method=method,
        versions={"analyser": ANALYSER, "embedding_model": questions[0].model_id},
        started_at=questions[0].asked_at,
    )


def _coverage(request: SearchRequest, found: Ranking) -> float:
    """Return the share of the arms asked for that took part."""
    taken = {arm.name for arm in found.arms}
    # an arm of spaces has nothing to say to a question that names none of their dimensions: that is no gap
    wanted = sum(arm.name in taken or not is_only_in_spaces(arm) for arm in arms_for(request))
    return len(found.arms) / wanted if wanted else 0.0


def _options(request: SearchRequest) -> dict[str, Any]:
    options: dict[str, Any] = {
        "search_type": request.search_type,
        "limit": request.limit,
        "filters": [[each.key, each.operator, list(each.values)] for each in request.conditions],
        "memory_type": request.memory_type,
    }
    for name in ("as_of", "known_at", "happened_from", "happened_until"):
        if (moment := getattr(request, name)) is not None:
            options[name] = moment.isoformat()
    if request.states is not None:
        options["states"] = [str(state) for state in request.states]
    if request.tags:
        options["tags"] = list(request.tags)
    if request.recency:
        options |= {"recency": request.recency, "half_life_days": request.half_life_days}
    if request.importance:
        options["importance"] = request.importance
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
    """Return the names of what narrowed the candidates."""
    others = ("memory_type", "states", "as_of", "known_at", "tags", "happened_from", "happened_until")
    return [each.key for each in request.conditions] + [name for name in others if getattr(request, name)]


def _receipt(hit: Hit) -> dict[str, object]:
    return {
        "id": str(hit.id),
        "version": hit.version,
        "score": round(hit.ranked.score, 6),
        "terms": {term.arm: round(term.value, 6) for term in hit.ranked.terms},
    }


def _reasoning(request: SearchRequest, found: Ranking, degraded: tuple[str, ...]) -> str:
    returned = min(request.limit, len(found.ranked))
    ways = ", ".join(f"{arm.name} ({found.plans[arm.name]})" for arm in found.arms) or "no arm"
    text = f"{request.search_type} search by {ways}: {len(found.ranked)} candidates scored, the best {returned} returned."
    if request.is_filtered:
        text += f" Filters on {', '.join(_narrowed(request))} came first."
    if found.ranked:
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
