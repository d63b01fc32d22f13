"""Search: arms find, the union is scored, the best are read, the decision is recorded."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from django.utils import timezone

from liftos.kernel.db.interleave import Work, in_turns
from liftos.kernel.db.transactions import tenant_pipeline
from liftos.kernel.embedding import EmbedderUnavailable
from liftos.kernel.embedding.catalogue import model_number
from liftos.kernel.precedence import giving_way
from liftos.kernel.telemetry.manager import observe_operation
from liftos.kernel.telemetry.tracing.tracer import TRACER
from liftos.kernel.tenancy.types import Actor
from memory.index.embeddings import active_manager
from memory.ports import scope
from memory.search.arms.interface import ALONE, Arm, ArmNotReady, arms_for
from memory.search.candidates import gather, gather_alone
from memory.search.hits import hits_of, read_hits
from memory.search.ranking import rank, rank_by_one
from memory.search.retrieval_record import NOT_CHOSEN, Ranking, record_search, record_searches
from memory.search.snippet_budget import bytes_each
from memory.search.types import Answer, Answers, Hit, Question, SearchRequest

logger = logging.getLogger("liftos.search")

# questions whose statements are on their way at once: their candidates are held in memory until they are ranked
TOGETHER = 50


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
        # the record and the COMMIT are one round trip
        with tenant_pipeline(organisation):
            [[found]] = in_turns([_find(questions, request, NOT_CHOSEN)])
            with TRACER.span("search.read"):
                [read] = _read(organisation, [found], request, request.limit + NOT_CHOSEN)
            hits, others = read[: request.limit], read[request.limit :]
            decision = record_search(questions[0], found, hits, others, by, degraded)
        span.set_tag("candidates", len(found.ranked))
        span.set_tag("decision_id", str(decision))
        return Answer(hits, request.search_type, decision, len(found.ranked), degraded, found.plans)


def search_many(*, organisation: UUID, by: Actor, queries: Sequence[str], request: SearchRequest) -> Answers:
    """Find memories for several queries in one transaction: one call of the model, a few round trips, one record.

    Args:
        organisation: whose memories.
        by: who asks.
        queries: one or more; results come in their order, repeats included.
        request: what holds for all of them; its own query is not looked at.

    Raises:
        ValueError: no query.
    """
    if not queries:
        raise ValueError("there must be at least one query")
    observed = observe_operation(
        "memory.search_many", organisation=str(organisation), search_type=str(request.search_type)
    )
    with observed as span:
        questions, degraded = _understand(organisation, queries, request)
        with tenant_pipeline(organisation):
            groups = [questions[start : start + TOGETHER] for start in range(0, len(questions), TOGETHER)]
            found = [
                ranking for some in in_turns(_find(group, request, 0) for group in groups) for ranking in some
            ]
            with TRACER.span("search.read"):
                hits = _read(organisation, found, request, request.limit)
            decision = record_searches(questions, found, hits, by, degraded)
        span.set_tag("count", len(queries))
        span.set_tag("decision_id", str(decision))
        return Answers(hits, request.search_type, decision, degraded)


def _understand(
    organisation: UUID, queries: Sequence[str], request: SearchRequest
) -> tuple[list[Question], tuple[str, ...]]:
    """Read and embed the queries, before any transaction is open: a slow model must hold no connection.

    Returns:
        The questions, and the names of parts that can't take part.
    """
    now = timezone.now()
    if request.is_conceptual:
        request = scope().confine(organisation, request)
    questions = [Question(organisation, replace(request, query=query), now) for query in giving_way(queries)]
    arms = arms_for(request)
    if not arms:
        return questions, (str(request.search_type),)
    questions, unprepared = _prepare(organisation, questions, request, arms)
    if not any(arm.name == "meaning" for arm in arms):
        return questions, unprepared
    try:
        manager = active_manager(organisation)
        with TRACER.span("memory.embed"):
            vectors = manager.embed_many(queries, organisation=organisation)
        model = model_number(manager.model)
    except EmbedderUnavailable:
        logger.warning("searching without meaning: the embedder is not available")
        return questions, ("embedding",)
    known = zip(questions, vectors, strict=True)
    return [replace(question, vector=vector, model_id=model) for question, vector in known], unprepared


def _prepare(
    organisation: UUID, questions: list[Question], request: SearchRequest, arms: Sequence[Arm]
) -> tuple[list[Question], tuple[str, ...]]:
    """Return the questions with what arms have made ready for them, and the names of parts that could not."""
    degraded: tuple[str, ...] = ()
    for arm in arms:
        try:
            ready = arm.prepare(organisation, [each.request.query for each in questions], request)
        except EmbedderUnavailable:
            logger.warning("searching without an arm: the embedder is not available", extra={"arm": arm.name})
            ready, degraded = [], ("embedding",)
        except ArmNotReady:
            ready, degraded = [], (arm.name,)
        if any(each is not None for each in ready):
            pairs = zip(questions, ready, strict=True)
            questions = [replace(each, prepared={**each.prepared, arm.name: made}) for each, made in pairs]
    return questions, degraded


def _find(questions: Sequence[Question], request: SearchRequest, others: int) -> Work[list[Ranking]]:
    """Return each question's ranking, as work that takes turns.

    Args:
        questions: alike but for their texts, so that their arms are the same.
        request: what holds for all.
        others: of the memories beyond the limit, how many are explained too.
    """
    arms = [arm for arm in arms_for(request) if any(arm.can_answer(each) for each in questions)]
    if not arms:
        return [Ranking([], [], {}) for _ in questions]
    if request.search_type in ALONE:
        name = arms[0].name
        return [
            Ranking(
                rank_by_one(name, each.evidence.arms[name], each.evidence.shares[name]),
                arms,
                each.plans,
                each.rows,
            )
            for each in gather_alone(questions, arms[0], NOT_CHOSEN)
        ]
    gathered = yield from gather(questions, arms)
    with TRACER.span("search.rank"):
        return [
            Ranking(
                rank(each.evidence, question.wording, request, question.asked_at, request.limit + others),
                arms,
                each.plans,
            )
            for question, each in giving_way(zip(questions, gathered, strict=True))
        ]


def _read(
    organisation: UUID, found: Sequence[Ranking], request: SearchRequest, count: int
) -> list[list[Hit]]:
    """Return the first `count` memories of each ranking."""
    chosen = [each.ranked[:count] for each in found]
    if all(each.rows is not None for each in found):
        # the finding has brought them
        return [
            hits_of(ranked, each.rows or {}, bytes_each(request.limit))
            for ranked, each in zip(chosen, found, strict=True)
        ]
    return read_hits(organisation, chosen, request)
