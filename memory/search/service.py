"""Search: arms find, the union is scored, the best are read, the decision is recorded."""

import json
import logging
from dataclasses import replace
from typing import Any
from uuid import UUID

from django.utils import timezone

from accountability.operations import record
from accountability.types import Effect
from liftos.db import raw_cursor, tenant_transaction
from liftos.embedding import EmbedderUnavailable, get_manager
from liftos.embedding.catalogue import model_number
from liftos.observability.manager import observe_operation
from liftos.observability.tracer import TRACER
from liftos.tenancy.types import Actor
from memory.search.arms import CANDIDATES, Arm, arms_for
from memory.search.fusion import fuse
from memory.search.types import Answer, Hit, Question, Ranked, SearchRequest
from memory.text import ANALYSER

logger = logging.getLogger("liftos.search")

_READ = """
SELECT id, content, metadata, memory_type, source, external_id, tags, recorded_at FROM memory_memory
WHERE organisation_id = %s AND id = ANY(%s)
"""


def search(*, organisation: UUID, by: Actor, request: SearchRequest) -> Answer:
    """Find memories, and record why these.

    Each arm of the search type brings its best candidates under the filters; every candidate of any arm is scored by
    all of them; the scores are added. A part that fails (the embedder) leaves the others to answer, marked degraded.

    Args:
        organisation: whose memories.
        by: who asks.
        request: what is asked.
    """
    observed = observe_operation(
        "memory.search", organisation=str(organisation), search_type=str(request.search_type)
    )
    with observed as span:
        question, degraded = _understand(organisation, request)
        with tenant_transaction(organisation):
            answer = _answer(question, by, degraded)
        span.set_tag("candidates", answer.candidates)
        span.set_tag("decision_id", str(answer.decision))
        return answer


def _understand(organisation: UUID, request: SearchRequest) -> tuple[Question, tuple[str, ...]]:
    """Embed the query, before any transaction is open: a slow model must hold no connection."""
    question = Question(organisation, request)
    if not any(arm.name == "meaning" for arm in arms_for(request.search_type)):
        return question, ()
    try:
        manager = get_manager()
        with TRACER.span("memory.embed"):
            vector = manager.embed(request.query, organisation=organisation)
        return replace(question, vector=vector, model_id=model_number(manager.model)), ()
    except EmbedderUnavailable:
        logger.warning("searching without meaning: the embedder is not available")
        return question, ("embedding",)


def _answer(question: Question, by: Actor, degraded: tuple[str, ...]) -> Answer:
    started_at, request = timezone.now(), question.request
    taking_part = arms_for(request.search_type)
    if not taking_part:
        degraded += (str(request.search_type),)
    arms = [arm for arm in taking_part if arm.can_answer(question)]
    ranked, plans = _rank(question, arms)
    with TRACER.span("search.read"):
        hits = _read(question.organisation, ranked[: request.limit])
    confidence, method = _confidence(ranked)
    decision = record(
        organisation=question.organisation,
        by=by,
        operation="memory.search",
        decision_point="search.rank",
        effect=Effect.READ,
        reasoning=_reasoning(request, arms, plans, ranked, hits, degraded),
        inputs={
            "query": request.query,
            "search_type": request.search_type,
            "limit": request.limit,
            "filters": [[each.key, each.operator, list(each.values)] for each in request.conditions],
            "memory_type": request.memory_type,
        },
        outputs={"count": len(hits), "candidates": len(ranked), "plans": plans, "degraded": list(degraded)},
        alternatives=[_receipt(entry) for entry in ranked[request.limit : request.limit + 5]],
        memories=[_receipt(hit.ranked) for hit in hits],
        confidence=confidence,
        confidence_method=method,
        versions={"analyser": ANALYSER, "embedding_model": question.model_id},
        started_at=started_at,
    )
    return Answer(hits, request.search_type, decision, len(ranked), degraded, plans)


def _rank(question: Question, arms: list[Arm]) -> tuple[list[Ranked], dict[str, str]]:
    """Return the union of the arms' candidates, scored by all arms, and each arm's plan."""
    most = max(CANDIDATES, question.request.limit) if len(arms) > 1 else question.request.limit + 5
    found = {}
    for arm in arms:
        with TRACER.span("search." + arm.name) as span:
            found[arm.name] = arm.find(question, most)
            span.set_tag("plan", found[arm.name].plan)
    union = {memory for each in found.values() for memory in each.scores}
    raw = {}
    for arm in arms:
        scores = dict(found[arm.name].scores)
        missing = list(union - scores.keys())
        if missing:
            with TRACER.span(f"search.{arm.name}.score", count=len(missing)):
                scores |= arm.score(question, missing)
        raw[arm.name] = scores
    # one arm alone keeps its own scale where it has one, so that the figure means something across searches
    shares = {
        arm.name: arm.shares(raw[arm.name]) if len(arms) > 1 else arm.alone(raw[arm.name]) for arm in arms
    }
    weights = {arm.name: 1 / len(arms) for arm in arms}
    return fuse(raw, shares, weights), {name: each.plan for name, each in found.items()}


def _read(organisation: UUID, ranked: list[Ranked]) -> list[Hit]:
    with raw_cursor() as cursor:
        rows = cursor.execute(_READ, [organisation, [entry.id for entry in ranked]]).fetchall()
    # Django leaves jsonb as text on its connections
    found: dict[UUID, tuple[Any, ...]] = {row[0]: (*row[:2], json.loads(row[2]), *row[3:]) for row in rows}
    return [Hit(*(*found[entry.id], entry)) for entry in ranked if entry.id in found]


def _confidence(ranked: list[Ranked]) -> tuple[float | None, str]:
    """Return how sure the first place is, 0..1, and by what: a fused score is relative, so it can't tell."""
    if not ranked:
        return None, ""
    first = ranked[0]
    for term in first.terms:
        if term.arm == "meaning":
            return min(1.0, max(0.0, term.raw)), "cosine of the best hit"
    second = ranked[1].score if len(ranked) > 1 else 0.0
    return (first.score - second) / first.score if first.score else 0.0, "margin over the next hit"


def _receipt(entry: Ranked) -> dict[str, object]:
    return {
        "id": str(entry.id),
        "score": round(entry.score, 6),
        "terms": {term.arm: round(term.value, 6) for term in entry.terms},
    }


def _reasoning(
    request: SearchRequest,
    arms: list[Arm],
    plans: dict[str, str],
    ranked: list[Ranked],
    hits: list[Hit],
    degraded: tuple[str, ...],
) -> str:
    ways = ", ".join(f"{arm.name} ({plans[arm.name]})" for arm in arms) or "no arm"
    text = f"{request.search_type} search by {ways}: {len(ranked)} candidates scored, the best {len(hits)} returned."
    if request.is_filtered:
        text += (
            f" Filters on {', '.join(each.key for each in request.conditions) or 'memory_type'} came first."
        )
    if hits:
        best = hits[0].ranked
        strongest = max(best.terms, key=lambda term: term.value)
        text += (
            f" The first scored {best.score:.3f}, most of it ({strongest.value:.3f}) from {strongest.arm}."
        )
    if degraded:
        text += f" Without {', '.join(degraded)}."
    return text
