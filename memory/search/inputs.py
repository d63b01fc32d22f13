"""Search requests as callers write them, over HTTP or in workflow steps."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field, model_validator

from liftos.kernel.http.strict import Strict
from liftos.kernel.http.times import Moment
from memory.search.filters import parse_filters
from memory.search.types import MAX_LIMIT, SearchRequest, SearchType
from memory.types import MAX_CONTENT, TrustState

MAX_QUERIES = 1_000
PROMPT_PASSAGES = 8
"""Passages of a long memory that a prompt may have, beside their neighbours."""
SPACE_FIELDS = ("target", "concept", "like")

Type = Literal["neural", "knowledge", "conceptual", "hybrid"]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
States = Annotated[list[TrustState], Field(min_length=1, max_length=len(TrustState))] | None
"""Trust states to include (docs/memory-life.md)."""
SpaceName = Annotated[str, Field(min_length=1, max_length=200)] | None


class NativeSearch(Strict):
    """A search."""

    query: str = Field(max_length=MAX_CONTENT)
    search_type: Type = "hybrid"
    limit: int = Field(default=10, ge=1, le=MAX_LIMIT)
    filters: dict[str, Any] | None = None
    memory_type: str | None = None
    states: States = None
    as_of: Moment | None = None
    known_at: Moment | None = None
    recency: float = Field(default=0.0, ge=0, le=10)
    importance: float = Field(default=0.0, ge=0, le=10)
    half_life_days: float = Field(default=30.0, gt=0, le=100_000)
    min_score: Share = 0.0
    diversity: Share = 0.0
    format: Literal["results", "prompt"] = "results"
    token_budget: int = Field(default=2_000, ge=1, le=1_000_000)
    space: SpaceName = None
    space_version: int | None = Field(default=None, ge=1, le=2_147_483_647)
    target: (
        dict[str, Annotated[float, Field(allow_inf_nan=False)] | Annotated[str, Field(max_length=100)]] | None
    ) = Field(default=None, max_length=100)
    concept: str = Field(default="", max_length=200)
    like: UUID | None = None

    @model_validator(mode="before")
    @classmethod
    def default_query(cls, value: Any) -> Any:
        """Make the query optional if a target, concept or example is given."""
        if isinstance(value, dict) and "query" not in value and any(value.get(name) for name in SPACE_FIELDS):
            return {**value, "query": ""}
        return value

    @model_validator(mode="after")
    def check_search_type(self) -> "NativeSearch":
        """Refuse fields of the conceptual arm in searches without it."""
        for name in SPACE_FIELDS:
            if getattr(self, name) and self.search_type not in {"conceptual", "hybrid"}:
                raise ValueError(f"{name} requires search_type conceptual or hybrid")
        return self

    def request(self) -> SearchRequest:
        """Return the search request."""
        return SearchRequest(
            query=self.query,
            search_type=SearchType(self.search_type),
            limit=self.limit,
            conditions=parse_filters(self.filters),
            memory_type=self.memory_type,
            states=tuple(self.states) if self.states else None,
            as_of=self.as_of,
            known_at=self.known_at,
            recency=self.recency,
            importance=self.importance,
            half_life_days=self.half_life_days,
            min_score=self.min_score,
            diversity=self.diversity,
            space=self.space,
            space_version=self.space_version,
            target=tuple((self.target or {}).items()),
            concept=self.concept,
            example=self.like,
            passages=PROMPT_PASSAGES if self.format == "prompt" else 1,
        )


class NativeSearches(Strict):
    """Several searches that differ only in their query."""

    states: States = None
    as_of: Moment | None = None
    known_at: Moment | None = None
    queries: list[Annotated[str, Field(max_length=MAX_CONTENT)]] = Field(min_length=1, max_length=MAX_QUERIES)
    search_type: Type = "hybrid"
    limit: int = Field(default=10, ge=1, le=MAX_LIMIT)
    filters: dict[str, Any] | None = None
    memory_type: str | None = None
    min_score: Share = 0.0
    diversity: Share = 0.0
    space: SpaceName = None

    def request(self) -> SearchRequest:
        """Return the search request, without a query."""
        return SearchRequest(
            query="",
            search_type=SearchType(self.search_type),
            limit=self.limit,
            conditions=parse_filters(self.filters),
            memory_type=self.memory_type,
            states=tuple(self.states) if self.states else None,
            as_of=self.as_of,
            known_at=self.known_at,
            min_score=self.min_score,
            diversity=self.diversity,
            space=self.space,
        )
