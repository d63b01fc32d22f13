"""Search requests as callers write them, over HTTP or in workflow steps."""

from dataclasses import replace
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field, model_validator

from memory.search.narrowing_inputs import NarrowIn
from memory.search.types import MAX_LIMIT, SearchRequest, SearchType
from memory.types import MAX_CONTENT

MAX_QUERIES = 1_000
PROMPT_PASSAGES = 8
"""Passages of a long memory that a prompt may have, beside their neighbours."""
SPACE_FIELDS = ("target", "concept", "like")

Type = Literal["neural", "knowledge", "conceptual", "hybrid"]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
SpaceName = Annotated[str, Field(min_length=1, max_length=200)] | None


class NativeSearch(NarrowIn):
    """A search."""

    query: str = Field(max_length=MAX_CONTENT)
    search_type: Type = "hybrid"
    limit: int = Field(default=10, ge=1, le=MAX_LIMIT)
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
        return replace(
            self.narrowed(),
            query=self.query,
            lists_newest=True,
            search_type=SearchType(self.search_type),
            limit=self.limit,
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


class NativeSearches(NarrowIn):
    """Several searches that differ only in their query."""

    queries: list[Annotated[str, Field(max_length=MAX_CONTENT)]] = Field(min_length=1, max_length=MAX_QUERIES)
    search_type: Type = "hybrid"
    limit: int = Field(default=10, ge=1, le=MAX_LIMIT)
    min_score: Share = 0.0
    diversity: Share = 0.0
    space: SpaceName = None

    def request(self) -> SearchRequest:
        """Return the search request, without a query."""
        return replace(
            self.narrowed(),
            lists_newest=True,
            search_type=SearchType(self.search_type),
            limit=self.limit,
            min_score=self.min_score,
            diversity=self.diversity,
            space=self.space,
        )
