"""Memory's workflow functions that read: searches, what is recent, and the health of what is stored."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.utils import timezone
from pydantic import Field

from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.functions import Call, register
from liftos.kernel.http.strict import Strict
from liftos.kernel.tenancy.types import Scope
from memory.hygiene import check_health
from memory.queries import list_recent
from memory.search.as_json import native_hit, verdict, verdicts
from memory.search.inputs import MAX_QUERIES, NativeSearch, NativeSearches
from memory.search.prompt import as_prompt
from memory.search.service import search, search_many
from memory.types import LinkKind

SEARCHED = ("memories", "spaces")
"""What searches read, for `liftos.kernel.caching.change_tokens.watching.Watch`; spaces are read by an arm of that app."""
MAX_SHOWN = 500
"""Characters of a text quoted in a finding."""


class Recent(Strict):
    """Filters for recent memories."""

    days: float = Field(default=7, gt=0, le=3_660)
    memory_types: list[str] | None = Field(default=None, min_length=1, max_length=100)
    limit: int = Field(default=20, ge=1, le=100)


class HealthCheck(Strict):
    """Limits of a health check."""

    limit: int = Field(default=20, ge=1, le=100, description="Maximum findings of each kind.")
    contested_days: float = Field(default=30, ge=0, le=3_660)


class SearchMany(NativeSearches):
    """Several searches that differ only in their query; possibly none."""

    queries: list[str] = Field(max_length=MAX_QUERIES)


def _quoted(result: Any) -> Iterator[UUID]:
    """Yield the ids of the memories in a search result."""
    for hit in result["results"]:
        for each in hit if isinstance(hit, list) else [hit]:
            yield UUID(each["id"])


def find(call: Call, arguments: NativeSearch) -> dict[str, Any]:
    """Search memories; each score is the sum of its terms."""
    answer = search(organisation=call.organisation, by=call.by, request=arguments.request())
    result: dict[str, Any] = {
        "results": [native_hit(hit) for hit in answer.hits],
        "count": len(answer.hits),
        "search_type": str(answer.search_type),
        "degraded": list(answer.degraded),
        **verdict(answer),
        "decision_id": str(answer.decision),
    }
    if arguments.format == "prompt":
        prompt = as_prompt(answer.hits, arguments.token_budget)
        result |= {"prompt": prompt.text, "tokens": prompt.tokens}
    return result


@register(
    "memory.search_many",
    schema=SearchMany,
    scopes=[Scope.MEMORY_READ],
    cacheable=True,
    reads=SEARCHED,
    mentions=_quoted,
)
def find_many(call: Call, arguments: SearchMany) -> dict[str, Any]:
    """Search for several queries; results are in their order."""
    if not arguments.queries:
        return {
            "results": [],
            "search_type": arguments.search_type,
            "degraded": [],
            "abstained": [],
            "abstain_reason": [],
            "confidence": [],
            "collapsed": [],
            "decision_id": None,
        }
    answers = search_many(
        organisation=call.organisation,
        by=call.by,
        queries=arguments.queries,
        request=replace(arguments.request(), copies=1),
    )
    return {
        "results": [[native_hit(hit) for hit in hits] for hits in answers.hits],
        "search_type": str(answers.search_type),
        "degraded": list(answers.degraded),
        **verdicts(answers),
        "decision_id": str(answers.decision),
    }


def _listed(result: Any) -> Iterator[UUID]:
    for each in result["memories"]:
        yield UUID(each["id"])


@register("memory.recent", schema=Recent, scopes=[Scope.MEMORY_READ], mentions=_listed)
def recent(call: Call, arguments: Recent) -> dict[str, Any]:
    """Return active and contested memories of the last days, most important first."""
    now = timezone.now()
    since = now - timedelta(days=arguments.days)
    with tenant_transaction(call.organisation):
        rows = list_recent(
            organisation=call.organisation,
            since=since,
            memory_types=arguments.memory_types,
            limit=arguments.limit,
        )
        memories = [
            {
                "id": str(row.id),
                "content": row.given_content,
                "memory_type": row.memory_type,
                "importance": row.importance,
                "recorded_at": row.recorded_at.isoformat(),
                "contradicts": [
                    str(link.target_id)
                    for link in row.links.all()
                    if link.kind == LinkKind.CONTRADICTS and link.target_id and link.holds_at(now)
                ],
            }
            for row in rows
        ]
    return {"memories": memories, "count": len(memories), "since": since.isoformat()}


def _findings(result: Any) -> Iterator[UUID]:
    for each in result["memory_ids"]:
        yield UUID(each)


@register("memory.health", schema=HealthCheck, scopes=[Scope.MEMORY_READ], mentions=_findings)
def health(call: Call, arguments: HealthCheck) -> dict[str, Any]:
    """Find contradictions, duplicates, old contested memories, and missing sources and vectors."""
    with tenant_transaction(call.organisation):
        found = check_health(
            organisation=call.organisation,
            now=timezone.now(),
            limit=arguments.limit,
            contested_for=timedelta(days=arguments.contested_days),
        )
    named = (
        *(each for pair in found.contradictions for each in (pair.contradicted, pair.contradicting)),
        *(each for double in found.doubles for each in double.memories),
        *(doubt.memory for doubt in found.doubts),
    )
    text = (
        f"{found.memories} memories: {len(found.contradictions)} contradictions, {len(found.doubles)} values in "
        f"several memories, {len(found.doubts)} contested for more than {arguments.contested_days:g} days, "
        f"{found.unsourced} without a source, {found.waiting} waiting for a vector."
    )
    return {
        "text": text,
        "memories": found.memories,
        "contradictions": [
            {
                "contradicted": str(each.contradicted),
                "contradicting": str(each.contradicting),
                "contradicted_text": each.contradicted_text[:MAX_SHOWN],
                "contradicting_text": each.contradicting_text[:MAX_SHOWN],
            }
            for each in found.contradictions
        ],
        "doubles": [
            {
                "ids": [str(each) for each in double.memories],
                "count": double.count,
                "text": double.text[:MAX_SHOWN],
            }
            for double in found.doubles
        ],
        "contested": [
            {"id": str(each.memory), "since": each.since.isoformat(), "text": each.text[:MAX_SHOWN]}
            for each in found.doubts
        ],
        "unsourced": found.unsourced,
        "waiting_for_a_vector": found.waiting,
        "memory_ids": [str(each) for each in dict.fromkeys(named)],
    }


# the old platform's template uses the second name
for _name in ("memory.search", "enhanced_search"):
    register(
        _name,
        schema=NativeSearch,
        scopes=[Scope.MEMORY_READ],
        cacheable=True,
        reads=SEARCHED,
        mentions=_quoted,
    )(find)
