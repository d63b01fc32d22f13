"""What memory offers to workflows: thin over its operations, as the run's actor."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field

from liftos.functions import Call, register
from liftos.tenancy.types import Scope
from memory.api.life_schemas import Reason, Supersession
from memory.api.schemas import MAX_QUERIES, MemoryIn, NativeSearch, NativeSearches, native_hit
from memory.api.trust import trust_of
from memory.life import corrections
from memory.life.erasure import forget
from memory.operations import embed_drafts, remember, remember_many
from memory.search.prompt import as_prompt
from memory.search.service import search, search_many
from memory.types import Stored

MEMORIES = "memories"
"""What searches read and stores write."""
MAX_TOGETHER = 2_000


class StoreMany(BaseModel):
    """Memories to store together."""

    memories: list[MemoryIn] = Field(max_length=MAX_TOGETHER)


class Replace(Supersession):
    """A memory, by its id, and the one that takes its place."""

    memory_id: UUID


class Erase(BaseModel):
    """A memory to erase."""

    memory_id: UUID
    reason: Reason = ""


class SearchMany(NativeSearches):
    """Several searches that differ in their query alone; no query is no search."""

    queries: list[str] = Field(max_length=MAX_QUERIES)


def _quoted(result: Any) -> Iterator[UUID]:
    """Yield the ids of the memories that the result of a search quotes."""
    for hit in result["results"]:
        for each in hit if isinstance(hit, list) else [hit]:
            yield UUID(each["id"])


def _stored(stored: Stored) -> dict[str, Any]:
    return {
        "id": str(stored.id),
        "outcome": str(stored.outcome),
        "embedding": str(stored.embedding),
        "decision_id": str(stored.decision) if stored.decision else None,
    }


def _embed_one(call: Call, arguments: MemoryIn) -> None:
    embed_drafts(call.organisation, [arguments.draft()])


def _embed_all(call: Call, arguments: StoreMany) -> None:
    if arguments.memories:
        embed_drafts(call.organisation, [each.draft() for each in arguments.memories])


@register("memory.store", schema=MemoryIn, scopes=[Scope.MEMORY_PROPOSE], prepare=_embed_one)
def store(call: Call, arguments: MemoryIn) -> dict[str, Any]:
    """Store a memory; a key that may only propose stores a candidate."""
    trust = trust_of(call.principal)
    stored = remember(organisation=call.organisation, by=call.by, draft=arguments.draft(), trust=trust)
    return _stored(stored)


@register("memory.store_many", schema=StoreMany, scopes=[Scope.MEMORY_PROPOSE], prepare=_embed_all)
def store_many(call: Call, arguments: StoreMany) -> dict[str, Any]:
    """Store memories in one transaction; one that can't be stored loses only itself."""
    drafts = [each.draft() for each in arguments.memories]
    trust = trust_of(call.principal)
    stored = remember_many(organisation=call.organisation, by=call.by, drafts=drafts, trust=trust)
    return {"count": len(stored), "results": [_stored(each) for each in stored]}


def find(call: Call, arguments: NativeSearch) -> dict[str, Any]:
    """Search memories; each score is the sum of the terms beside it."""
    answer = search(organisation=call.organisation, by=call.by, request=arguments.request())
    result: dict[str, Any] = {
        "results": [native_hit(hit) for hit in answer.hits],
        "count": len(answer.hits),
        "search_type": str(answer.search_type),
        "degraded": list(answer.degraded),
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
    reads=[MEMORIES],
    mentions=_quoted,
)
def find_many(call: Call, arguments: SearchMany) -> dict[str, Any]:
    """Search for each of several queries; results stand in their order."""
    if not arguments.queries:
        return {"results": [], "search_type": arguments.search_type, "degraded": [], "decision_id": None}
    answers = search_many(
        organisation=call.organisation, by=call.by, queries=arguments.queries, request=arguments.request()
    )
    return {
        "results": [[native_hit(hit) for hit in hits] for hits in answers.hits],
        "search_type": str(answers.search_type),
        "degraded": list(answers.degraded),
        "decision_id": str(answers.decision),
    }


@register("memory.supersede", schema=Replace, scopes=[Scope.MEMORY_WRITE], prepare=_embed_one)
def supersede(call: Call, arguments: Replace) -> dict[str, Any]:
    """Put a new memory in the place of one that no longer holds."""
    changed = corrections.supersede(
        organisation=call.organisation,
        by=call.by,
        memory=arguments.memory_id,
        draft=arguments.draft(),
        reason=arguments.reason,
        trust=trust_of(call.principal),
    )
    assert changed.successor is not None  # noqa: S101  supersede always has one
    return {
        "id": str(changed.id),
        "state": str(changed.state),
        "superseded_by": str(changed.successor.id),
        "decision_id": str(changed.decision),
    }


@register("memory.erase", schema=Erase, scopes=[Scope.MEMORY_WRITE])
def erase(call: Call, arguments: Erase) -> dict[str, Any]:
    """Erase a memory with all its versions and everything it can be found by."""
    receipt = forget(
        organisation=call.organisation, by=call.by, memory=arguments.memory_id, reason=arguments.reason
    )
    return {
        "id": str(receipt.memory),
        "erasure_id": str(receipt.id),
        "decision_id": str(receipt.decision),
    }


# the seed's own template calls it by this second name
for _name in ("memory.search", "enhanced_search"):
    register(
        _name,
        schema=NativeSearch,
        scopes=[Scope.MEMORY_READ],
        cacheable=True,
        reads=[MEMORIES],
        mentions=_quoted,
    )(find)
