"""What marketing templates call beside what memory and the ledger offer."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field

from liftos.kernel.functions import Call, register
from liftos.kernel.http.strict import Strict
from liftos.kernel.tenancy.types import Scope
from workflows.marketing.digest import compose


class NewMemory(BaseModel):
    """A memory as `memory.recent` gives it."""

    id: UUID
    content: str
    memory_type: str = ""
    contradicts: list[UUID] = Field(default_factory=list, max_length=1_000)


class Known(BaseModel):
    """A hit of a search."""

    id: UUID
    content: str
    score: float


class Found(BaseModel):
    """What `memory.search` answers, as far as it is used."""

    results: list[Known] = Field(max_length=1_000)


class Digested(Strict):
    """What a digest is made of: new memories, and for each what a search for it found."""

    title: str = Field(default="Digest", min_length=1, max_length=200)
    memories: list[NewMemory] = Field(max_length=100)
    related: list[Found | None] = Field(default_factory=list, max_length=100)


def _quoted(result: Any) -> Iterator[UUID]:
    for each in result["memory_ids"]:
        yield UUID(each)


@register("marketing.digest", schema=Digested, scopes=[Scope.MEMORY_READ], idempotent=True, mentions=_quoted)
def digest(call: Call, arguments: Digested) -> dict[str, Any]:
    """Put new memories, and what was known about each before, into one text with numbered sources."""
    del call
    made = compose(
        title=arguments.title,
        memories=[each.model_dump(mode="json") for each in arguments.memories],
        related=[None if each is None else each.model_dump(mode="json") for each in arguments.related],
    )
    return {"content": made.content, "memory_ids": list(made.memory_ids), "count": made.count}
