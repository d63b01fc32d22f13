"""Search: arms find, the union is scored, the best are read, the decision is recorded."""

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
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
from memory.search.arms import Arm, arms_for
from memory.search.gather import ALONE, gather, gather_alone
from memory.search.ranking import rank, rank_by_one
from memory.search.types import Answer, Hit, Question, Ranked, SearchRequest
from memory.text import ANALYSER

logger = logging.getLogger("liftos.search")

# of the candidates that were not returned, how many the record names
NOT_CHOSEN = 5

_READ = """
SELECT id, content, metadata, memory_type, source, external_id, tags, recorded_at FROM memory_memory
WHERE organisation_id = %s AND id = ANY(%s)
"""


def search(*, organisation: UUID, by: Actor, request: SearchRequest) -> Answer:
    """Find memories, and record why these.

    Each arm of the search type brings its best candidates under the filters; every candidate of any arm is scored by
    all of them, and by its relations; the scores are added. A part that fails (the embedder) leaves the others to
    answer, marked degraded.

    Args:
        organisation: whose memories.
        by: who asks.
        request: what is asked.
    """
    observed = observe_operation(
        "memory.search", organisation=str(organisation), search_type=str(request.search_type)
    )
    with observed as span:
        questions, degraded = _understand(organisation, [request.query], request)
        with tenant_transaction(organisation):
            found = _find(questions, request)
            answer = _answer(questions[0], found[0], by, degraded)
        span.set_tag("candidates", answer.candidates)
        span.set_tag("decision_id", str(answer.decision))
        return answer


def _understand(
    organisation: UUID, queries: Sequence[str], request: SearchRequest
) -> tuple[list[Question], tuple[str, ...]]:
    """Read and embed the queries, before any transaction is open: a slow model must hold no connection."""
    now = timezone.now()
    questions = [Question.of(organisation, replace(request, query=query), at=now) for query in queries]
    if not any(arm.name == "meaning" for arm in arms_for(request.search_type)):
        return questions, ()
    try:
        manager = get_manager()
        with TRACER.span("memory.embed"):
            vectors = manager.embed_many(queries, organisation=organisation)
        model = model_number(manager.model)
        return [
            replace(question, vector=vector, model_id=model)
            for question, vector in zip(questions, vectors, strict=True)
        ], ()
    except EmbedderUnavailable:
        logger.warning("searching without meaning: the embedder is not available")
        return questions, ("embedding",)


@dataclass(frozen=True, slots=True)
class _Ranking:
    """A question's candidates in order, and how they were come by."""

    ranked: list[Ranked]
    arms: list[Arm]
    plans: dict[str, str]


def _find(questions: Sequence[Question], request: SearchRequest) -> list[_Ranking]:
    """Return each question's ranking. The questions are alike but for their texts, so their arms are the same."""
    arms = [arm for arm in arms_for(request.search_type) if arm.can_answer(questions[0])]
    most = request.limit + NOT_CHOSEN
    if request.search_type in ALONE:
        if not arms:
            return [_Ranking([], [], {}) for _ in questions]
        alone = gather_alone(questions, arms[0], NOT_CHOSEN)
        return [
            _Ranking(
                rank_by_one(
                    arms[0].name, *(each[arms[0].name] for each in (one.evidence.arms, one.evidence.shares))
                ),
                arms,
                one.plans,
            )
            for one in alone
        ]
    gathered = gather(questions, arms)
    with TRACER.span("search.rank"):
        return [
            _Ranking(
                rank(each.evidence, question.wording, request, question.asked_at.timestamp(), most),
                arms,
                each.plans,
            )
            for question, each in zip(questions, gathered, strict=True)
        ]


def _answer(question: Question, found: _Ranking, by: Actor, degraded: tuple[str, ...]) -> Answer:
    request, ranked = question.request, found.ranked
    if not arms_for(request.search_type):
        degraded += (str(request.search_type),)
    with TRACER.span("search.read"):
        hits = _read(question.organisation, ranked[: request.limit])
    confidence, method = _confidence(ranked)
    decision = record(
        organisation=question.organisation,
        by=by,
        operation="memory.search",
        decision_point="search.rank",
        effect=Effect.READ,
        reasoning=_reasoning(request, found, hits, degraded),
        inputs={
            "query": request.query,
            "search_type": request.search_type,
            "limit": request.limit,
            "filters": [[each.key, each.operator, list(each.values)] for each in request.conditions],
            "memory_type": request.memory_type,
        },
        outputs={
            "count": len(hits),
            "candidates": len(ranked),
            "plans": found.plans,
            "degraded": list(degraded),
        },
        alternatives=[_receipt(entry) for entry in ranked[request.limit : request.limit + NOT_CHOSEN]],
        memories=[_receipt(hit.ranked) for hit in hits],
        confidence=confidence,
        confidence_method=method,
        versions={"analyser": ANALYSER, "embedding_model": question.model_id},
        started_at=question.asked_at,
    )
    return Answer(hits, request.search_type, decision, len(ranked), degraded, found.plans)


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


def _reasoning(request: SearchRequest, found: _Ranking, hits: list[Hit], degraded: tuple[str, ...]) -> str:
    ways = ", ".join(f"{arm.name} ({found.plans[arm.name]})" for arm in found.arms) or "no arm"
    text = f"{request.search_type} search by {ways}: {len(found.ranked)} candidates scored, the best {len(hits)} returned."
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
        if best.path:
            text += f" It was also reached by {', '.join(each.name or each.kind for each in best.path)}."
    if degraded:
        text += f" Without {', '.join(degraded)}."
    return text
