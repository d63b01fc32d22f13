"""Wire shapes of searches: what is asked, in the contract's form and in ours, and what is answered."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field, RootModel, model_validator

from liftos.kernel.http.strict import Strict
from liftos.kernel.http.times import Moment
from memory.api.schemas import MAX_CONTENT, naive
from memory.search.filters import parse_filters
from memory.search.types import MAX_LIMIT, Hit, SearchRequest, SearchType
from memory.types import TrustState

MAX_QUERIES = 1_000
WANTED = ("target", "concept", "like")
SEARCH_TYPES = "^(neural|conceptual|knowledge|hybrid)$"


class SeedSearch(BaseModel):
    """The contract's search request."""

    query: str = Field(max_length=MAX_CONTENT)
    search_type: str = Field(default="hybrid", pattern=SEARCH_TYPES)
    limit: int = Field(default=10, ge=1, le=MAX_LIMIT)
    filters: dict[str, Any] | None = None
    memory_type: str | None = None

    def request(self, search_type: str | None = None) -> SearchRequest:
        """Return the domain's form; `search_type` replaces the body's, as the typed routes do."""
        return SearchRequest(
            query=self.query,
            search_type=SearchType(search_type or self.search_type),
            limit=self.limit,
            conditions=parse_filters(self.filters),
            memory_type=self.memory_type,
        )


class SeedQueries(RootModel[list[Annotated[str, Field(max_length=MAX_CONTENT)]]]):
    """The contract's batch of queries: a bare list; `{"queries": […]}` is taken too."""

    root: list[Annotated[str, Field(max_length=MAX_CONTENT)]] = Field(max_length=MAX_QUERIES)

    @model_validator(mode="before")
    @classmethod
    def unwrap(cls, value: Any) -> Any:
        """Take the wrapped form for the bare one."""
        return value["queries"] if isinstance(value, dict) and "queries" in value else value


class SeedBatchOptions(BaseModel):
    """What the contract's batch search takes in the query string; it names no bound, so a larger limit is brought down."""

    search_type: str = Field(default="hybrid", pattern=SEARCH_TYPES)
    limit: int = Field(default=10, ge=1)

    def request(self) -> SearchRequest:
        """Return the domain's form of what the searches share."""
        return SearchRequest(
            query="",
            search_type=SearchType(self.search_type),
            limit=min(self.limit, MAX_LIMIT),
            # by task and as a list
            copies=2,
        )


class Times(Strict):
    """Which trust states, and the two axes of time (docs/memory-life.md)."""

    states: list[TrustState] | None = Field(default=None, min_length=1, max_length=len(TrustState))
    as_of: Moment | None = None
    known_at: Moment | None = None

    def timed(self, request: SearchRequest) -> SearchRequest:
        """Return a search narrowed by these."""
        states = tuple(self.states) if self.states else None
        return replace(request, states=states, as_of=self.as_of, known_at=self.known_at)


class NativeSearch(Times, SeedSearch):
    """A search."""

    search_type: Literal["neural", "knowledge", "conceptual", "hybrid"] = "hybrid"
    recency: float = Field(default=0.0, ge=0, le=10)
    importance: float = Field(default=0.0, ge=0, le=10)
    half_life_days: float = Field(default=30.0, gt=0, le=100_000)
    format: Literal["results", "prompt"] = "results"
    token_budget: int = Field(default=2_000, ge=1, le=1_000_000)
    space: Annotated[str, Field(min_length=1, max_length=200)] | None = None
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

    def request(self, search_type: str | None = None) -> SearchRequest:
        """Return the domain's form."""
        return replace(
            self.timed(super().request(search_type)),
            recency=self.recency,
            importance=self.importance,
            half_life_days=self.half_life_days,
            space=self.space,
            space_version=self.space_version,
            target=tuple((self.target or {}).items()),
            concept=self.concept,
            example=self.like,
        )


class PromptQuery(BaseModel):
    """What may stand in a search's query string instead of its body."""

    format: Literal["results", "prompt"] | None = None
    token_budget: int | None = Field(default=None, ge=1, le=1_000_000)


class NativeSearches(Times):
    """Several searches that differ in their query alone."""

    queries: list[Annotated[str, Field(max_length=MAX_CONTENT)]] = Field(min_length=1, max_length=MAX_QUERIES)
    search_type: Literal["neural", "knowledge", "conceptual", "hybrid"] = "hybrid"
    limit: int = Field(default=10, ge=1, le=MAX_LIMIT)
    filters: dict[str, Any] | None = None
    memory_type: str | None = None
    space: Annotated[str, Field(min_length=1, max_length=200)] | None = None

    def request(self) -> SearchRequest:
        """Return the domain's form of what the searches share."""
        return self.timed(
            SearchRequest(
                query="",
                search_type=SearchType(self.search_type),
                limit=self.limit,
                conditions=parse_filters(self.filters),
                memory_type=self.memory_type,
                space=self.space,
            )
        )


class TermOut(BaseModel):
    """One summand of a score: value = share * weight; `raw` is the arm's own figure."""

    arm: str
    raw: float
    share: float
    weight: float
    value: float


class StepOut(BaseModel):
    """A relation by which a memory was reached: a link from the memory `source`, or an entity by its name."""

    kind: str
    source: UUID | None
    forward: bool
    name: str


class FoundMemory(BaseModel):
    """A found memory; `truncated` stands there when the answer had no room for the whole of it (`GET /api/v1/memories/{memory}` has)."""

    id: UUID
    content: str
    metadata: dict[str, Any]
    memory_type: str
    source: str
    external_id: str | None
    tags: list[str]
    recorded_at: datetime
    state: str
    version: int
    valid_from: datetime | None
    valid_to: datetime | None
    truncated: bool | None = None


class SearchHit(FoundMemory):
    """A found memory with what made its score, the sum of `terms`."""

    score: float
    terms: dict[str, float]
    explanation: list[TermOut]
    path: list[StepOut]


class ScoredId(BaseModel):
    """A hit of a batch: its memory is among `memories`."""

    id: UUID
    score: float
    terms: dict[str, float]


class SearchOut(BaseModel):
    """The answer to a search; with `format=prompt`, `results` are those that `prompt` holds, and `tokens` its size."""

    results: list[SearchHit]
    next: None
    search_type: str
    candidates: int
    degraded: list[str]
    plans: dict[str, str]
    decision_id: UUID
    correlation_id: str
    prompt: str | None = None
    tokens: int | None = None
    truncated: bool | None = None


class SearchesOut(BaseModel):
    """The answer to several searches: for each query, in their order, ids and scores; each memory once, by its id."""

    results: list[list[ScoredId]]
    memories: dict[str, FoundMemory]
    next: None
    search_type: str
    degraded: list[str]
    decision_id: UUID
    correlation_id: str
    truncated: bool | None = None


def seed_hit(hit: Hit) -> dict[str, Any]:
    """Return a found memory in the contract's form: naive UTC time; cosine as the optional extra."""
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
    return result | _cut(hit)


def any_cut(hits: Iterable[Hit]) -> dict[str, bool]:
    """Return the mark of an answer in which something is cut, nothing where all is whole."""
    return {"truncated": True} if any(hit.truncated for hit in hits) else {}


def _cut(hit: Hit) -> dict[str, bool]:
    return {"truncated": True} if hit.truncated else {}


def scored_id(hit: Hit) -> dict[str, Any]:
    """Return a hit of a batch."""
    return {
        "id": str(hit.id),
        "score": hit.ranked.score,
        "terms": {term.arm: term.value for term in hit.ranked.terms},
    }


def native_hit(hit: Hit) -> dict[str, Any]:
    """Return a found memory with what made its score."""
    memory = found_memory(hit)
    return {
        "id": memory.pop("id"),
        "content": memory.pop("content"),
        "score": hit.ranked.score,
        "terms": {term.arm: term.value for term in hit.ranked.terms},
        "explanation": [
            {
                "arm": term.arm,
                "raw": term.raw,
                "share": term.share,
                "weight": term.weight,
                "value": term.value,
            }
            for term in hit.ranked.terms
        ],
        "path": [
            {
                "kind": step.kind,
                "source": str(UUID(bytes=step.source)) if step.source else None,
                "forward": step.forward,
                "name": step.name,
            }
            for step in hit.ranked.path
        ],
    } | memory


def found_memory(hit: Hit) -> dict[str, Any]:
    """Return a found memory, whatever it was found by."""
    return {
        "id": str(hit.id),
        "content": hit.content,
        "metadata": hit.metadata,
        "memory_type": hit.memory_type,
        "source": hit.source,
        "external_id": hit.external_id or None,
        "tags": hit.tags,
        "recorded_at": hit.recorded_at.isoformat(),
        "state": hit.state,
        "version": hit.version,
        "valid_from": hit.valid_from.isoformat() if hit.valid_from else None,
        "valid_to": hit.valid_to.isoformat() if hit.valid_to else None,
    } | _cut(hit)
