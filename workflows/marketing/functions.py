"""The function of the marketing templates."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field

from liftos.kernel.functions import Call, register
from liftos.kernel.http.strict import Strict
from liftos.kernel.tenancy.types import Scope
from workflows.marketing.digest import compose


class NewMemory(BaseModel):
    """A memory as returned by `memory.recent`."""

    id: UUID
    content: str
    memory_type: str = ""
    contradicts: list[UUID] = Field(default_factory=list, max_length=1_000)


class SearchHit(BaseModel):
    """A hit of `memory.search`."""

    id: UUID
    content: str
    score: float


class SearchResult(BaseModel):
    """The used part of a `memory.search` result."""

    results: list[SearchHit] = Field(max_length=1_000)


class DigestArguments(Strict):
    """New memories, and the search results for each."""

    title: str = Field(default="Digest", min_length=1, max_length=200)
    memories: list[NewMemory] = Field(max_length=100)
    related: list[SearchResult | None] = Field(default_factory=list, max_length=100)


def _quoted(result: Any) -> Iterator[UUID]:
    for each in result["memory_ids"]:
        yield UUID(each)


@register(
    "marketing.digest", schema=DigestArguments, scopes=[Scope.MEMORY_READ], idempotent=True, mentions=_quoted
)
def digest(call: Call, arguments: DigestArguments) -> dict[str, Any]:
    """Summarise new memories, and what was known about each before, in one text with numbered sources."""
    del call
    composed = compose(
        title=arguments.title,
        memories=[each.model_dump(mode="json") for each in arguments.memories],
        related=[None if each is None else each.model_dump(mode="json") for each in arguments.related],
    )
    return {"content": composed.content, "memory_ids": list(composed.memory_ids), "count": composed.count}
