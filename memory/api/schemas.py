"""Wire shapes of memories and searches. Types, defaults and bounds of the seed's two are the contract's."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from math import isfinite
from typing import Annotated, Any, Literal
from uuid import UUID

import numpy as np
from django.utils import timezone
from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from liftos.compat.callers import User, text_of
from liftos.kernel.embedding.text import unit_rows
from liftos.kernel.http.pagination import PageQuery, QueryText
from liftos.kernel.http.strict import Strict
from liftos.kernel.http.times import Moment, not_before
from liftos.kernel.suggestions import suggestion
from memory.analysis.attributes import MAX_KEY, too_long_key
from memory.api.credential_trust import wish_of
from memory.search.types import SearchRequest
from memory.trust.values import is_blank
from memory.types import LinkDraft, LinkKind, MemoryDraft, TrustState

MAX_CONTENT = 1_000_000
MAX_TTL = 864_000_000  # ten thousand days, in seconds
WISH = "The trust state wished for; granted as far as the key's scopes allow, never refused."


def _direction(values: list[float]) -> list[float]:
    if not any(values) or not all(map(isfinite, values)):
        raise ValueError("must hold finite numbers, and not only 0")
    return values


def _states(text: str) -> str:
    unknown = sorted(set(text.split(",")) - set(TrustState)) if text else []
    if unknown:
        meant = suggestion(unknown[0], TrustState)
        raise ValueError(f"must be of {', '.join(TrustState)}, parted by commas{meant}")
    return text


Embedding = Annotated[list[float], Field(min_length=1, max_length=16_000), AfterValidator(_direction)]


def _shown(text: str) -> str:
    if is_blank(text):
        raise PydanticCustomError("string_blank", "String should show at least one character")
    return text


Content = Annotated[str, Field(max_length=MAX_CONTENT), AfterValidator(_shown)]
"""The text of a memory: native routes refuse one that shows nothing."""


def _filterable(metadata: dict[str, Any]) -> dict[str, Any]:
    key = too_long_key(metadata)
    if key is not None:
        raise PydanticCustomError(
            "key_too_long",
            "Keys should have at most {most} characters, with what they are nested in; too long is {key}…",
            {"most": MAX_KEY, "key": key[:50]},
        )
    return metadata


Metadata = Annotated[dict[str, Any], AfterValidator(_filterable)]
"""Metadata, of which every key can be filtered on."""


class SeedStore(BaseModel):
    """The contract's store request; a `context`, which some callers send beside it, is kept in the metadata."""

    content: str = Field(max_length=MAX_CONTENT)
    metadata: Metadata | None = None
    memory_type: str = Field(default="general", max_length=100)
    context: Any = None

    def draft(self) -> MemoryDraft:
        """Return the domain's form."""
        metadata = self.metadata or {}
        if isinstance(self.context, dict):
            metadata = {"context": self.context} | metadata
        return MemoryDraft(self.content, metadata, self.memory_type)


class LinkIn(Strict):
    """A link to a memory of the same source, named by its external id; it may arrive later."""

    kind: LinkKind
    external_id: str = Field(min_length=1, max_length=300)
    weight: float = Field(default=1.0, ge=0, le=1)


class MemoryIn(Strict):
    """A memory to store."""

    content: Content
    metadata: Metadata | None = None
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
    state: Any = Field(default=None, description=WISH)
    trust: Any = Field(default=None, description=WISH)

    _in_order = not_before("valid_to", "valid_from")

    @model_validator(mode="after")
    def check_expiry(self) -> "MemoryIn":
        """Refuse two times of expiry."""
        if self.expires_at and self.ttl_seconds:
            raise ValueError("expires_at and ttl_seconds must not stand together")
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
            wish=wish_of(self.state, self.trust),
        )


class LineIn(MemoryIn):
    """A line of a bulk store; what an export's line says of a memory's past is taken and not kept: that is for an import."""

    id: UUID | None = None
    recorded_at: Moment | None = None
    superseded_by: UUID | None = None
    vector: str | None = None
    version: Any = None
    changed_at: Any = None
    actor: Any = None
    history: Any = None


def _text(content: Any) -> Any:
    return text_of(content) if isinstance(content, dict) else content


class MemoryCreate(MemoryIn):
    """A memory to store by itself; what old callers of this route send is taken too.

    An object as `content` is kept as its JSON text, `content_type` in the metadata; `user_id` is on whose behalf it is stored.
    """

    content: Annotated[
        Content,
        BeforeValidator(_text),
        WithJsonSchema({"anyOf": [{"type": "string", "maxLength": MAX_CONTENT}, {"type": "object"}]}),
    ]
    content_type: str | None = Field(default=None, max_length=200)
    user_id: User = None

    def draft(self) -> MemoryDraft:
        """Return the domain's form; a `content_type` that the metadata have already stays as it is there."""
        draft = super().draft()
        if self.content_type is None:
            return draft
        return replace(draft, metadata={"content_type": self.content_type} | draft.metadata)


class RejectionOut(BaseModel):
    """The rejection of a value that a text holds; a memory is stored as a candidate for it."""

    decision_id: UUID
    memory_id: UUID
    rejected_at: datetime


class MemoryCreated(BaseModel):
    """The answer to a store. `memory_id` repeats `id` for the seed's callers; `rejection` only where its text holds a rejected value."""

    id: UUID
    memory_id: UUID
    outcome: str
    embedding: str
    state: str
    decision_id: UUID
    rejection: RejectionOut | None = None


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
    state: str | None = None
    rejection: RejectionOut | None = None
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


def naive(moment: datetime) -> str:
    """Return the contract's time: UTC, microseconds, no zone."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds")
