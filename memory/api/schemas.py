"""Wire shapes of memories and searches. Types, defaults and bounds of the seed's two are the contract's."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from math import isfinite
from typing import Annotated, Any, Literal
from uuid import UUID

import numpy as np
from django.utils import timezone
from pydantic import AfterValidator, BaseModel, Field, RootModel, model_validator

from liftos.api.pagination import PageQuery, QueryText
from liftos.embedding.text import unit_rows
from memory.search.filters import parse_filters
from memory.search.types import MAX_LIMIT, Hit, SearchRequest, SearchType
from memory.types import LinkDraft, LinkKind, MemoryDraft, TrustState

MAX_CONTENT = 1_000_000
MAX_QUERIES = 1_000
MAX_TTL = 864_000_000  # ten thousand days, in seconds
WANTED = ("target", "concept", "like")
SEARCH_TYPES = "^(neural|conceptual|knowledge|hybrid)$"


def _utc(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        return moment.replace(tzinfo=UTC)
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:  # Postgres would keep it, but nothing here could read it back
        raise ValueError("must lie in the years 1 to 9999 of UTC") from error


def _direction(values: list[float]) -> list[float]:
    if not any(values) or not all(map(isfinite, values)):
        raise ValueError("must hold finite numbers, and not only 0")
    return values


def _states(text: str) -> str:
    unknown = set(text.split(",")) - set(TrustState) if text else ()
    if unknown:
        raise ValueError(f"must be of {', '.join(TrustState)}, parted by commas")
    return text


Moment = Annotated[datetime, AfterValidator(_utc)]
Embedding = Annotated[list[float], Field(min_length=1, max_length=16_000), AfterValidator(_direction)]


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
            query="", search_type=SearchType(self.search_type), limit=min(self.limit, MAX_LIMIT)
        )


class SeedStore(BaseModel):
    """The contract's store request; a `context`, which some callers send beside it, is kept in the metadata."""

    content: str = Field(max_length=MAX_CONTENT)
    metadata: dict[str, Any] | None = None
    memory_type: str = Field(default="general", max_length=100)
    context: Any = None

    def draft(self) -> MemoryDraft:
        """Return the domain's form."""
        metadata = self.metadata or {}
        if isinstance(self.context, dict):
            metadata = {"context": self.context} | metadata
        return MemoryDraft(self.content, metadata, self.memory_type)


class LinkIn(BaseModel):
    """A link to a memory of the same source, named by its external id; it may arrive later."""

    kind: LinkKind
    external_id: str = Field(min_length=1, max_length=300)
    weight: float = Field(default=1.0, ge=0, le=1)


class MemoryIn(BaseModel):
    """A memory to store."""

    content: str = Field(max_length=MAX_CONTENT)
    metadata: dict[str, Any] | None = None
    memory_type: str = Field(default="general", max_length=100)
    source: str = Field(default="", max_length=100)
    external_id: str | None = Field(default=None, max_length=300)
    tags: list[Annotated[str, Field(max_length=100)]] = Field(default_factory=list, max_length=100)
    importance: float = Field(default=0.5, ge=0, le=1)
    links: list[LinkIn] = Field(default_factory=list, max_length=1_000)
    valid_from: Moment | None = None
    valid_to: Moment | None = None
    embedding: Embedding | None = None
    thread: str = Field(default="", max_length=300)
    derived_from: list[UUID] = Field(default_factory=list, max_length=100)
    expires_at: Moment | None = None
    ttl_seconds: float | None = Field(default=None, gt=0, le=MAX_TTL)

    @model_validator(mode="after")
    def check_interval(self) -> "MemoryIn":
        """Refuse an end before the beginning, and two times of expiry."""
        if self.expires_at and self.ttl_seconds:
            raise ValueError("expires_at and ttl_seconds must not stand together")
        if self.valid_from and self.valid_to and self.valid_to < self.valid_from:
            raise ValueError("valid_to must not be before valid_from")
        return self

    def draft(self) -> MemoryDraft:
        """Return the domain's form; a given vector is brought to unit length."""
        vector = None
        if self.embedding is not None:
            wide = np.asarray(self.embedding)
            # brought near 1 first: the squares of large numbers overflow
            vector = unit_rows((wide / np.abs(wide).max())[np.newaxis])[0]
        return MemoryDraft(
            content=self.content,
            metadata=self.metadata or {},
            memory_type=self.memory_type,
            source=self.source,
            external_id=self.external_id or "",
            tags=tuple(self.tags),
            importance=self.importance,
            links=tuple(LinkDraft(link.kind, link.external_id, link.weight) for link in self.links),
            valid_from=self.valid_from,
            valid_to=self.valid_to,
            embedding=vector,
            thread=self.thread,
            derived_from=tuple(dict.fromkeys(self.derived_from)),
            expires_at=self.expires_at
            or (timezone.now() + timedelta(seconds=self.ttl_seconds) if self.ttl_seconds else None),
        )


class MemoryCreated(BaseModel):
    """The answer to a store. `memory_id` repeats `id` for the seed's callers."""

    id: UUID
    memory_id: UUID
    outcome: str
    embedding: str
    state: str
    decision_id: UUID


class LinkOut(BaseModel):
    """A link; `target` is null until the memory with that external id exists, `external_id` where it is named by its id."""

    kind: str
    external_id: str | None
    weight: float
    target: UUID | None


class MemoryOut(BaseModel):
    """A memory."""

    id: UUID
    content: str
    metadata: dict[str, Any]
    memory_type: str
    source: str
    external_id: str | None
    tags: list[str]
    importance: float
    state: str
    embedding: str
    thread: str
    links: list[LinkOut]
    valid_from: datetime | None
    valid_to: datetime | None
    expires_at: datetime | None
    superseded_by: UUID | None
    version: int
    recorded_at: datetime
    changed_at: datetime
    created_at: datetime


class MemoryPage(BaseModel):
    """A page of memories."""

    results: list[MemoryOut]
    next: str | None


class MemoryQuery(PageQuery):
    """Filters of the memory list."""

    memory_type: QueryText = ""
    source: QueryText = ""
    external_id: QueryText = ""
    states: Annotated[QueryText, AfterValidator(_states)] = ""
    as_of: Moment | None = None
    known_at: Moment | None = None

    def narrowed(self) -> SearchRequest:
        """Return type, states and times as the domain has them."""
        return SearchRequest(
            query="",
            memory_type=self.memory_type or None,
            states=tuple(TrustState(each) for each in self.states.split(",")) if self.states else None,
            as_of=self.as_of,
            known_at=self.known_at,
        )


class BulkLine(BaseModel):
    """What became of one line: 201 stored, 200 the same was there, 409 or 422 with the reason."""

    line: int
    status: int
    id: UUID | None = None
    external_id: str | None = None
    error: dict[str, Any] | None = None


class BulkResult(BaseModel):
    """The answer to a bulk store; 200 if every line was taken, 207 if some were not."""

    results: list[BulkLine]
    next: None
    stored: int
    unchanged: int
    failed: int


class BulkQuery(BaseModel):
    """How a bulk store is carried out: before the answer, or by a worker after it."""

    mode: Literal["sync", "async"] = "sync"


class BulkAccepted(BaseModel):
    """A bulk store that a worker carries out; `url` tells how far it has come."""

    id: UUID
    url: str


class BulkJobQuery(BaseModel):
    """Where to go on in the results."""

    cursor: int = Field(default=0, ge=0, le=1_000_000)


class BulkJobOut(BaseModel):
    """How far a bulk store has come: queued, running or done."""

    id: UUID
    status: str
    recorded_at: datetime
    lines: int
    done: int
    stored: int
    unchanged: int
    failed: int
    results: list[BulkLine]
    next: str | None


class Times(BaseModel):
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


class SearchHit(BaseModel):
    """A found memory; its score is the sum of `terms`."""

    id: UUID
    content: str
    score: float
    terms: dict[str, float]
    explanation: list[TermOut]
    path: list[StepOut]
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


class SearchesOut(BaseModel):
    """The answer to several searches: a list of hits for each query, in the order of the queries."""

    results: list[list[SearchHit]]
    next: None
    search_type: str
    degraded: list[str]
    decision_id: UUID
    correlation_id: str


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
    return result


def native_hit(hit: Hit) -> dict[str, Any]:
    """Return a found memory with what made its score."""
    return {
        "id": str(hit.id),
        "content": hit.content,
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
    }


def naive(moment: datetime) -> str:
    """Return the contract's time: UTC, microseconds, no zone."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds")
