"""Wire shapes of the old memory routes, with the contract's types, defaults and bounds.

A `title` is the shape's name in /openapi.json, which generated clients depend on.
"""

from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, RootModel, model_validator

from memory.inputs import Metadata
from memory.search.as_json import any_cut
from memory.search.filters import parse_filters
from memory.search.types import MAX_LIMIT, Hit, SearchRequest, SearchType
from memory.types import MAX_CONTENT, MemoryDraft

MAX_QUERIES = 1_000
TITLE = 80

SEARCH_TYPES = "^(neural|conceptual|knowledge|hybrid)$"


class StoreIn(BaseModel):
    """The contract's store request; a `context`, which some callers add, is kept in the metadata."""

    model_config = ConfigDict(title="SeedStore")

    content: str = Field(max_length=MAX_CONTENT)
    metadata: Metadata | None = None
    memory_type: str = Field(default="general", max_length=100)
    context: Any = None

    def draft(self) -> MemoryDraft:
        """Return the memory to store."""
        metadata = self.metadata or {}
        if isinstance(self.context, dict):
            metadata = {"context": self.context} | metadata
        return MemoryDraft(self.content, metadata, self.memory_type)


class SearchIn(BaseModel):
    """The contract's search request."""

    model_config = ConfigDict(title="SeedSearch")

    query: str = Field(max_length=MAX_CONTENT)
    search_type: str = Field(default="hybrid", pattern=SEARCH_TYPES)
    limit: int = Field(default=10, ge=1, le=MAX_LIMIT)
    filters: dict[str, Any] | None = None
    memory_type: str | None = None

    def request(self, search_type: str | None = None) -> SearchRequest:
        """Return the search request; `search_type` overrides the body's, for the typed routes."""
        return SearchRequest(
            query=self.query,
            search_type=SearchType(search_type or self.search_type),
            limit=self.limit,
            conditions=parse_filters(self.filters),
            memory_type=self.memory_type,
        )


class QueriesIn(RootModel[list[Annotated[str, Field(max_length=MAX_CONTENT)]]]):
    """The contract's batch of queries: a list, or `{"queries": […]}`."""

    model_config = ConfigDict(title="SeedQueries")

    root: list[Annotated[str, Field(max_length=MAX_CONTENT)]] = Field(max_length=MAX_QUERIES)

    @model_validator(mode="before")
    @classmethod
    def unwrap(cls, value: Any) -> Any:
        """Unwrap `{"queries": […]}`."""
        return value["queries"] if isinstance(value, dict) and "queries" in value else value


class BatchQuery(BaseModel):
    """The query string of the contract's batch search; the contract has no maximum limit, so larger ones are reduced."""

    search_type: str = Field(default="hybrid", pattern=SEARCH_TYPES)
    limit: int = Field(default=10, ge=1)

    def request(self) -> SearchRequest:
        """Return the options shared by the searches."""
        return SearchRequest(
            query="",
            search_type=SearchType(self.search_type),
            limit=min(self.limit, MAX_LIMIT),
            # the response has each hit twice: by task and in the list
            copies=2,
        )


def hit_out(hit: Hit) -> dict[str, Any]:
    """Render a hit in the contract's shape: naive UTC time, the cosine as an optional extra."""
    result: dict[str, Any] = {
        "id": str(hit.id),
        "content": hit.content,
        "score": hit.ranked.score,
        "metadata": hit.metadata,
        "memory_type": hit.memory_type,
        "timestamp": naive(hit.recorded_at),
    }
    context = hit.metadata.get("context")
    if isinstance(context, dict):
        result["context"] = context
    for term in hit.ranked.terms:
        if term.arm == "meaning":
            result["embedding_similarity"] = term.raw
    return result | any_cut([hit])


def naive(moment: datetime) -> str:
    """Return a time in the contract's format: UTC, microseconds, no time zone."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds")


def title_of(content: str) -> str:
    """Return the first line of a content, at most 80 characters."""
    line = next((line.strip() for line in content.splitlines() if line.strip()), "")
    return line if len(line) <= TITLE else f"{line[: TITLE - 1].rstrip()}…"
