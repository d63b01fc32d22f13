"""What callers ask of searches, whichever door they come by: HTTP or a workflow's step."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field, model_validator

from liftos.kernel.http.strict import Strict
from liftos.kernel.http.times import Moment
from memory.search.filters import parse_filters
from memory.search.types import MAX_LIMIT, SearchRequest, SearchType
from memory.types import MAX_CONTENT, TrustState

MAX_QUERIES = 1_000
WANTED = ("target", "concept", "like")

Type = Literal["neural", "knowledge", "conceptual", "hybrid"]
States = Annotated[list[TrustState], Field(min_length=1, max_length=len(TrustState))] | None
"""Which trust states; beside them stand the two axes of time, `as_of` and `known_at` (docs/memory-life.md)."""
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
    def needs_no_query(cls, value: Any) -> Any:
        """Take a target, a concept or a memory to find others like for a query."""
        if isinstance(value, dict) and "query" not in value and any(value.get(name) for name in WANTED):
            return {**value, "query": ""}
        return value

    @model_validator(mode="after")
    def wants_what_a_space_knows(self) -> "NativeSearch":
        """Refuse what only the conceptual arm understands in a search in which it takes no part."""
        for name in WANTED:
            if getattr(self, name) and self.search_type not in {"conceptual", "hybrid"}:
                raise ValueError(f"{name} is for conceptual and hybrid searches")
        return self

    def request(self) -> SearchRequest:
        """Return the domain's form."""
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
            space=self.space,
            space_version=self.space_version,
            target=tuple((self.target or {}).items()),
            concept=self.concept,
            example=self.like,
        )


class NativeSearches(Strict):
    """Several searches that differ in their query alone."""

    states: States = None
    as_of: Moment | None = None
    known_at: Moment | None = None
    queries: list[Annotated[str, Field(max_length=MAX_CONTENT)]] = Field(min_length=1, max_length=MAX_QUERIES)
    search_type: Type = "hybrid"
    limit: int = Field(default=10, ge=1, le=MAX_LIMIT)
    filters: dict[str, Any] | None = None
    memory_type: str | None = None
    space: SpaceName = None

    def request(self) -> SearchRequest:
        """Return the domain's form of what the searches share."""
        return SearchRequest(
            query="",
            search_type=SearchType(self.search_type),
            limit=self.limit,
            conditions=parse_filters(self.filters),
            memory_type=self.memory_type,
            states=tuple(self.states) if self.states else None,
            as_of=self.as_of,
            known_at=self.known_at,
            space=self.space,
        )
