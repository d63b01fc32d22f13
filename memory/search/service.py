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
from memory.index.collection_languages import approximate_languages
from memory.index.collection_statistics import approximate_documents
from memory.ports import scope
from memory.quotas.enforcement import spend_searches
from memory.search.arms.interface import Arm, ArmNotReady, NotAsked, arms_for
from memory.search.candidates import candidates_of_all, candidates_of_one_arm
from memory.search.confidence import MEANING, SMALLEST, confidence_of, doubt_of, evidence_of
from memory.search.diversified import diversified, vector_model
from memory.search.exact import with_operators
from memory.search.hits import read_hits
from memory.search.pages import depths_of, first_depth, newest, one_after_another
from memory.search.query_syntax import read_query
from memory.search.ranking import Ranking, rank, rank_by_one_arm
from memory.search.retrieval_record import NOT_CHOSEN, record_search, record_searches
from memory.search.signals import Signals
from memory.search.types import Answer, Answers, Question, SearchRequest

logger = logging.getLogger("liftos.search")

# questions processed together, whose candidates are in memory at once
GROUP_SIZE = 50
# with diversity: candidates per arm relative to those without, and again if near-doubles leave too few, up to this many
OVERFETCH = 4
FURTHEST = 10_000
# how quoted phrases took part, among the arms' plans
PHRASES = "phrases"
# a query that names a period and has no more terms than this, the period's included, asks for the period
FEW_TERMS = 3


@dataclass(frozen=True, slots=True)
class PreparedSearch:
    """A search before its transaction.

    Attributes:
        organisation: the tenant.
        request: the options shared by the questions.
        questions: differ only in their query.
        arms: the arms of the search, including those that failed.
        degraded: names of parts that failed.
        took_ns: how long the preparation took.
        model: number of the model whose vectors tell near-doubles; None if they are not wanted or it is not available.
    """

    organisation: UUID
    request: SearchRequest
    questions: list[Question]
    arms: list[Arm]
    degraded: tuple[str, ...]
    took_ns: int
    model: int | None = None


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
    spend_searches(organisation, by, 1)
    # the record and the COMMIT share a round trip
    with tenant_pipeline(organisation):
        ranking = newest(organisation, asked.questions[0].request) if request.is_list else _best(asked)
        with TRACER.span("search.read"):
            page = replace(ranking, ranked=ranking.ranked[request.offset :])
            [read] = read_hits(organisation, [page], request, request.limit + NOT_CHOSEN)
        hits, others = read[: request.limit], read[request.limit :]
        decision = record_search(
            asked.questions[0], ranking, hits, others, by=by, arms=asked.arms, degraded=asked.degraded
        )
    span.set_tag("candidates", ranking.candidates)
    span.set_tag("results", len(hits))
    span.set_tag("decision_id", str(decision))
    return Answer(
        hits,
        request.search_type,
        decision,
        ranking.candidates,
        asked.degraded,
        {**ranking.plans, **asked.questions[0].not_asked},
        ranking.abstain_reason,
        ranking.confidence,
        has_more=bool(others),
    )


def _best(asked: PreparedSearch) -> Ranking:
    """Return the ranking as far as the page reaches, with its runners-up."""
    request = asked.questions[0].request
    depths = depths_of(request.depth or first_depth(request)) if request.is_further_page else (0,)
    found: list[Ranking] = []
    for depth in depths:
        [[ranking]] = in_turns([_rank(asked, asked.questions, NOT_CHOSEN, depth)])
        found.append(ranking)
        together = one_after_another(found)
        if len(together.ranked) >= request.reach + NOT_CHOSEN or ranking.candidates < depth:
            break
    return together


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
    spend_searches(organisation, by, len(asked.questions))
    groups = _groups(asked.questions)
    with tenant_pipeline(organisation):
        work = (_rank(asked, [asked.questions[number] for number in group], 0) for group in groups)
        placed = {
            number: ranking
            for group, some in zip(groups, in_turns(work), strict=True)
            for number, ranking in zip(group, some, strict=True)
        }
        lists = [number for number, question in enumerate(asked.questions) if question.request.is_list]
        if lists:
            placed |= dict.fromkeys(lists, newest(organisation, asked.questions[lists[0]].request))
        rankings = [placed[number] for number in range(len(asked.questions))]
        with TRACER.span("search.read"):
            hits = read_hits(organisation, rankings, request, request.limit)
        decision = record_searches(
            asked.questions, rankings, hits, by=by, arms=asked.arms, degraded=asked.degraded
        )
    span.set_tag("count", len(asked.questions))
    span.set_tag("results", sum(map(len, hits)))
    span.set_tag("decision_id", str(decision))
    reasons = tuple(ranking.abstain_reason for ranking in rankings)
    confidences = tuple(ranking.confidence for ranking in rankings)
    return Answers(hits, request.search_type, decision, asked.degraded, reasons, confidences)


def _groups(questions: Sequence[Question]) -> list[list[int]]:
    """Group questions by number: those with operators alone, because these are filters, which the questions of a group share.

    Those that ask for a list are in no group.
    """
    alone = [number for number, question in enumerate(questions) if question.query.has_operators]
    apart = {*alone, *(number for number, question in enumerate(questions) if question.request.is_list)}
    others = [number for number in range(len(questions)) if number not in apart]
    groups = [others[start : start + GROUP_SIZE] for start in range(0, len(others), GROUP_SIZE)]
    return groups + [[number] for number in alone]


def _observed(name: str, organisation: UUID, request: SearchRequest) -> Operation:
    return observe_operation(name, organisation=str(organisation), search_type=str(request.search_type))


def prepare_search(organisation: UUID, queries: Sequence[str], request: SearchRequest) -> PreparedSearch:
    """Run the arms' preparation, outside any transaction so that a slow model holds no connection."""
    now, started = timezone.now(), perf_counter_ns()
    if request.is_conceptual:
        request = scope().confine(organisation, request)
    # arms are not asked for a list
    is_list = all(replace(request, query=query).is_list for query in queries)
    arms = [] if is_list else arms_for(request)
    degraded = [] if arms or is_list else [str(request.search_type)]
    parsed = [read_query(query) for query in giving_way(queries)]
    texts = [query.text for query in parsed]
    prepared: list[dict[str, Any]] = [{} for _ in queries]
    not_asked: list[dict[str, str]] = [{} for _ in queries]
    for arm in arms:
        try:
            inputs = arm.prepare(organisation, texts, request)
        except (EmbedderUnavailable, ArmNotReady) as error:
            degraded.append("embedding" if isinstance(error, EmbedderUnavailable) else arm.name)
            logger.warning("searching without an arm", extra={"arm": arm.name, "error": type(error).__name__})
            continue
        for own, reasons, each in zip(prepared, not_asked, inputs, strict=True):
            if isinstance(each, NotAsked):
                reasons[arm.name] = each.plan
            elif each is not None:
                own[arm.name] = each
    questions = [
        Question(organisation, replace(request, query=query), now, own, reasons)
        for query, own, reasons in giving_way(zip(queries, prepared, not_asked, strict=True))
    ]
    model = vector_model(organisation) if request.diversity else None
    names, took = tuple(dict.fromkeys(degraded)), perf_counter_ns() - started
    return PreparedSearch(organisation, request, questions, arms, names, took, model)


def _rank(
    asked: PreparedSearch, questions: Sequence[Question], others: int, depth: int = 0
) -> Work[list[Ranking]]:
    """Return each question's ranking, as work to interleave.

    Args:
        asked: the search.
        questions: those of it to rank.
        others: how many memories beyond the limit to explain.
        depth: candidates per arm, all of which are explained; 0 for those of a first page.
    """
    request = asked.request
    if not request.is_by_one_arm or any(question.query.has_operators for question in questions):
        languages = approximate_languages(asked.organisation)
        questions = [replace(question, languages=languages) for question in questions]
    questions = [with_operators(question) for question in questions]
    arms = [arm for arm in asked.arms if any(question.can_ask(arm.name) for question in questions)]
    if not arms:
        return [Ranking([]) for _ in questions]
    wanted = depth + others if depth else request.limit + others
    if not request.diversity:
        return (yield from _rank_by(arms, questions, depth or first_depth(request), wanted))
    # near-doubles may fill the candidates: look further until enough others are found
    rankings: dict[int, Ranking] = {}
    reach, left = OVERFETCH * (depth or first_depth(request)), list(range(len(questions)))
    while left:
        found = yield from _rank_by(arms, [questions[number] for number in left], reach, reach)
        with TRACER.span("search.diversify", count=len(found)):
            varied = diversified(asked.organisation, asked.model, found, request.diversity, wanted)
        rankings |= dict(zip(left, varied, strict=True))
        left = [
            number
            for number, every in zip(left, found, strict=True)
            if len(rankings[number].ranked) < wanted
            and not every.below
            and reach <= every.candidates < FURTHEST
        ]
        reach *= OVERFETCH
    return [rankings[number] for number in range(len(questions))]


def _rank_by(
    arms: Sequence[Arm], questions: Sequence[Question], reach: int, most: int
) -> Work[list[Ranking]]:
    """Return the rankings of `reach` candidates per arm, the first `most` explained."""
    request = questions[0].request
    if request.is_by_one_arm:
        signals = candidates_of_one_arm(questions, arms[0], max(most, reach) if request.diversity else most)
        rankings = [
            _judged(question, each, rank_by_one_arm(each))
            for question, each in zip(questions, signals, strict=True)
        ]
    else:
        found = yield from candidates_of_all(questions, arms, reach)
        with TRACER.span("search.rank"):
            rankings = [
                _judged(question, signals, rank(signals, question, most))
                for question, signals in giving_way(zip(questions, found, strict=True))
            ]
    return [each.above(request.min_score) for each in rankings] if request.min_score else rankings


def _judged(question: Question, signals: Signals, ranking: Ranking) -> Ranking:
    """Return a ranking with its confidence, and with the reason to doubt it if nothing is likely to answer."""
    traits = signals.traits
    shares = {
        arm: {key: share for key, share in each.items() if key in traits} if traits else each
        for arm, each in signals.shares.items()
    }
    # fewer candidates than an arm brings: a filter leaves no more
    all_of_it = ranking.candidates < SMALLEST
    evidence = evidence_of(
        shares,
        size=SMALLEST if all_of_it else approximate_documents(question.organisation),
        misses_codes=bool(
            not question.request.is_by_one_arm and question.analysis.codes and not signals.codes
        ),
        named=ranking.named,
        is_dated=ranking.is_dated and len(question.analysis.terms) <= FEW_TERMS,
        asks_nothing=not question.query.text.strip(),
        is_foreign=signals.evidence.get(MEANING, 1.0) < 1,
    )
    plans = (
        ranking.plans if question.phrase_plan is None else {**ranking.plans, PHRASES: question.phrase_plan}
    )
    return replace(
        ranking, plans=plans, confidence=confidence_of(ranking.ranked, evidence), doubt=doubt_of(evidence)
    )
