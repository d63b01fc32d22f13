"""Search: arms find candidates, their union is ranked, the best are read, and the search is recorded."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from time import perf_counter_ns
from typing import Any
from uuid import UUID

from django.utils import timezone

from liftos.kernel.db.interleave import Work, in_turns
from liftos.kernel.db.transactions import tenant_pipeline
from liftos.kernel.embedding import EmbedderUnavailable
from liftos.kernel.precedence import giving_way
from liftos.kernel.telemetry.manager import observe_operation
from liftos.kernel.telemetry.operation import Operation
from liftos.kernel.telemetry.tracing.spans import Span
from liftos.kernel.telemetry.tracing.tracer import TRACER
from liftos.kernel.tenancy.types import Actor
from memory.ports import scope
from memory.search.arms.interface import Arm, ArmNotReady, arms_for
from memory.search.candidates import candidates_of_all, candidates_of_one_arm
from memory.search.hits import read_hits
from memory.search.ranking import Ranking, rank, rank_by_one_arm
from memory.search.retrieval_record import NOT_CHOSEN, record_search, record_searches
from memory.search.types import Answer, Answers, Question, SearchRequest

logger = logging.getLogger("liftos.search")

# questions processed together, whose candidates are in memory at once
GROUP_SIZE = 50


@dataclass(frozen=True, slots=True)
class PreparedSearch:
    """Questions that differ only in their query, the arms of their search, and the names of failed parts."""

    organisation: UUID
    request: SearchRequest
    questions: list[Question]
    arms: list[Arm]
    degraded: tuple[str, ...]
    took_ns: int


def search(*, organisation: UUID, by: Actor, request: SearchRequest) -> Answer:
    """Search for memories, and record the decision.

    Each arm of the search type finds its best candidates under the filters. Every candidate is scored by all arms and by its
    relations, and the scores are added. If a part fails, such as the embedder, the others still answer, marked degraded.
    """
    with _observed("memory.search", organisation, request) as span:
        return _search(prepare_search(organisation, [request.query], request), by, span)


def search_prepared(*, prepared: PreparedSearch, by: Actor) -> Answer:
    """Run a prepared search. See `search`."""
    observed = _observed("memory.search", prepared.organisation, prepared.request)
    with observed.count_in(prepared.took_ns) as span:
        return _search(prepared, by, span)


def _search(asked: PreparedSearch, by: Actor, span: Span) -> Answer:
    organisation, request = asked.organisation, asked.request
    # the record and the COMMIT share a round trip
    with tenant_pipeline(organisation):
        [[ranking]] = in_turns([_rank(asked.questions, asked.arms, NOT_CHOSEN)])
        with TRACER.span("search.read"):
            [read] = read_hits(organisation, [ranking], request, request.limit + NOT_CHOSEN)
        hits, others = read[: request.limit], read[request.limit :]
        decision = record_search(
            asked.questions[0], ranking, hits, others, by=by, arms=asked.arms, degraded=asked.degraded
        )
    span.set_tag("candidates", len(ranking.ranked))
    span.set_tag("decision_id", str(decision))
    return Answer(
        hits, request.search_type, decision, len(ranking.ranked), asked.degraded, dict(ranking.plans)
    )


def search_many(*, organisation: UUID, by: Actor, queries: Sequence[str], request: SearchRequest) -> Answers:
    """Search for several queries in one transaction, with one embedding call and one decision record.

    Args:
        organisation: the tenant.
        by: the actor.
        queries: at least one; results are in their order, including repeats.
        request: options for all of them; its own query is ignored.

    Raises:
        ValueError: no query.
    """
    if not queries:
        raise ValueError("at least one query is required")
    with _observed("memory.search_many", organisation, request) as span:
        return _search_many(prepare_search(organisation, queries, request), by, span)


def search_many_prepared(*, prepared: PreparedSearch, by: Actor) -> Answers:
    """Run a prepared batch of searches. See `search_many`."""
    observed = _observed("memory.search_many", prepared.organisation, prepared.request)
    with observed.count_in(prepared.took_ns) as span:
        return _search_many(prepared, by, span)


def _search_many(asked: PreparedSearch, by: Actor, span: Span) -> Answers:
    organisation, request = asked.organisation, asked.request
    groups = [
        asked.questions[start : start + GROUP_SIZE] for start in range(0, len(asked.questions), GROUP_SIZE)
    ]
    with tenant_pipeline(organisation):
        work = (_rank(group, asked.arms, 0) for group in groups)
        rankings = [ranking for some in in_turns(work) for ranking in some]
        with TRACER.span("search.read"):
            hits = read_hits(organisation, rankings, request, request.limit)
        decision = record_searches(
            asked.questions, rankings, hits, by=by, arms=asked.arms, degraded=asked.degraded
        )
    span.set_tag("count", len(asked.questions))
    span.set_tag("decision_id", str(decision))
    return Answers(hits, request.search_type, decision, asked.degraded)


def _observed(name: str, organisation: UUID, request: SearchRequest) -> Operation:
    return observe_operation(name, organisation=str(organisation), search_type=str(request.search_type))


def prepare_search(organisation: UUID, queries: Sequence[str], request: SearchRequest) -> PreparedSearch:
    """Run the arms' preparation, outside any transaction so that a slow model holds no connection."""
    now, started = timezone.now(), perf_counter_ns()
    if request.is_conceptual:
        request = scope().confine(organisation, request)
    arms = arms_for(request)
    degraded = [] if arms else [str(request.search_type)]
    prepared: list[dict[str, Any]] = [{} for _ in queries]
    for arm in arms:
        try:
            inputs = arm.prepare(organisation, queries, request)
        except (EmbedderUnavailable, ArmNotReady) as error:
            degraded.append("embedding" if isinstance(error, EmbedderUnavailable) else arm.name)
            logger.warning("searching without an arm", extra={"arm": arm.name, "error": type(error).__name__})
            continue
        for own, each in zip(prepared, inputs, strict=True):
            if each is not None:
                own[arm.name] = each
    questions = [
        Question(organisation, replace(request, query=query), now, own)
        for query, own in giving_way(zip(queries, prepared, strict=True))
    ]
    names, took = tuple(dict.fromkeys(degraded)), perf_counter_ns() - started
    return PreparedSearch(organisation, request, questions, arms, names, took)


def _rank(questions: Sequence[Question], arms: Sequence[Arm], others: int) -> Work[list[Ranking]]:
    """Return each question's ranking, as work to interleave.

    Args:
        questions: differ only in their query.
        arms: the arms of the search.
        others: how many memories beyond the limit to explain.
    """
    request = questions[0].request
    arms = [arm for arm in arms if any(question.can_ask(arm.name) for question in questions)]
    if not arms:
        return [Ranking([]) for _ in questions]
    if request.is_by_one_arm:
        found = candidates_of_one_arm(questions, arms[0], request.limit + NOT_CHOSEN)
        return [rank_by_one_arm(signals) for signals in found]
    found = yield from candidates_of_all(questions, arms)
    with TRACER.span("search.rank"):
        return [
            rank(signals, question, request.limit + others)
            for question, signals in giving_way(zip(questions, found, strict=True))
        ]
