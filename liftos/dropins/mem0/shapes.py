"""mem0's requests and answers."""

import ast
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, Field, RootModel, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from liftos.dropins.mem0.filters import ENTITIES, SOURCE, narrowed
from liftos.kernel.http.times import EndMoment, Moment
from liftos.kernel.tenancy.types import MAX_USER
from memory.inputs import MemoryIn, Metadata, Text
from memory.models import Memory
from memory.search.types import MAX_LIMIT, Hit, SearchRequest
from memory.trust.history import Change
from memory.types import MemoryDraft, text_of

MAX_MESSAGES = 1_000
MAX_PAGE_SIZE = 200
MAX_PLACE = 10_000
"""Memories before the end of the last page that can be asked for."""
KEPT = (*ENTITIES, "role", "actor_id")
"""Metadata that mem0 shows beside a memory's own."""
MAX_FILTERS_TEXT = 10_000


def _as_text(value: Any) -> Any:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Entity = Annotated[str, BeforeValidator(_as_text), Field(min_length=1, max_length=MAX_USER)] | None
Filters = dict[str, Any] | None


def _joined(value: Any) -> Any:
    """Return the text of a message in parts."""
    if not isinstance(value, list):
        return value
    texts = [each.get("text") for each in value if isinstance(each, dict) and each.get("type") == "text"]
    if len(texts) < len(value) or not all(isinstance(text, str) for text in texts):
        raise PydanticCustomError("message_parts", "Only parts of the type text can be stored")
    return "\n".join(map(str, texts))


class Mem0Message(BaseModel):
    """A message; of parts, those of the type text."""

    role: str = Field(default="user", max_length=100)
    content: Annotated[Text, BeforeValidator(_joined), WithJsonSchema({"type": "string"})]
    name: str | None = Field(default=None, max_length=200)


def _as_messages(value: Any) -> Any:
    if isinstance(value, str):
        return [{"role": "user", "content": value}]
    return [value] if isinstance(value, dict) else value


class Mem0Named(BaseModel):
    """The user, agent, app and run of memories: claims, kept in the metadata."""

    user_id: Entity = None
    agent_id: Entity = None
    app_id: Entity = None
    run_id: Entity = None

    @property
    def entities(self) -> dict[str, str]:
        """The ids that are given."""
        return {name: value for name in ENTITIES if (value := getattr(self, name)) is not None}


class Mem0AddIn(Mem0Named):
    """Messages to store, each as a memory, except those of the role system."""

    messages: Annotated[list[Mem0Message], BeforeValidator(_as_messages)] = Field(
        min_length=1, max_length=MAX_MESSAGES
    )
    metadata: Metadata | None = None
    infer: bool | None = Field(default=None, description="true is refused: there is no language model")
    filters: Filters = Field(default=None, description="may name the user, agent, app and run")
    expiration_date: EndMoment | None = None
    timestamp: Moment | None = None

    @model_validator(mode="before")
    @classmethod
    def name_entities(cls, value: Any) -> Any:
        """Take entities out of the filters, where clients of version 3 put them."""
        given = value.get("filters") if isinstance(value, dict) else None
        if not isinstance(given, dict):
            return value
        return {name: given[name] for name in ENTITIES if name in given} | value

    @model_validator(mode="after")
    def check_add(self) -> "Mem0AddIn":
        """Refuse extraction, and memories of nobody."""
        if self.infer:
            raise PydanticCustomError(
                "no_language_model",
                "infer needs a language model, which this service does not have; send infer=false to store each message as it is",
            )
        if not self.entities:
            raise PydanticCustomError("missing", "One of user_id, agent_id, app_id and run_id is required")
        if not self.spoken:
            raise PydanticCustomError("missing", "messages has only system messages, which are not stored")
        return self

    @property
    def spoken(self) -> list[Mem0Message]:
        """The messages to store."""
        return [each for each in self.messages if each.role != "system"]

    def drafts(self) -> list[MemoryDraft]:
        """Return the memories."""
        return [
            MemoryIn(
                content=each.content,
                metadata=(self.metadata or {})
                | self.entities
                | {"role": each.role}
                | ({"actor_id": each.name} if each.name else {}),
                source=SOURCE,
                thread=self.run_id or "",
                expires_at=self.expiration_date,
                valid_from=self.timestamp,
            ).draft()
            for each in self.spoken
        ]


def _read_filters(value: Any) -> Any:
    """Return filters in a query string: JSON, or the Python that mem0's client sends for a dict."""
    if not isinstance(value, str) or not value:
        return None if value == "" else value
    if len(value) > MAX_FILTERS_TEXT:
        raise PydanticCustomError("filters", "Filters in the URL can have 10,000 characters")
    for read in (json.loads, ast.literal_eval):
        try:
            return read(value)
        except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError):
            continue
    raise PydanticCustomError("filters", "Input should be an object as JSON")


class Mem0Conditions(Mem0Named):
    """Mem0Conditions on memories: entities, and filters."""

    filters: Annotated[
        Filters,
        BeforeValidator(_read_filters),
        WithJsonSchema({"anyOf": [{"type": "object"}, {"type": "string"}, {"type": "null"}]}),
    ] = None

    @property
    def joined(self) -> dict[str, Any]:
        """The filters, with the entities."""
        return {**self.entities, **({"AND": [self.filters]} if self.filters else {})}


class Mem0PageQuery(BaseModel):
    """A page, in the query string."""

    page: int = Field(default=1, ge=1)
    page_size: int = Field(default=100, ge=1, le=MAX_PAGE_SIZE)


class Mem0ListIn(Mem0Conditions):
    """A list of memories, newest first."""

    page: int = Field(default=1, ge=1)
    page_size: int = Field(default=100, ge=1, le=MAX_PAGE_SIZE)
    start_date: Moment | None = None
    end_date: EndMoment | None = None
    categories: list[str] | None = None
    show_expired: bool = False
    output_format: str | None = None

    @model_validator(mode="after")
    def check_place(self) -> "Mem0ListIn":
        """Refuse pages beyond the reach."""
        if self.page * self.page_size > MAX_PLACE:
            raise PydanticCustomError(
                "page", "Pages reach {most} memories; narrow the list", {"most": MAX_PLACE}
            )
        return self

    def narrowed(self) -> SearchRequest:
        """Return the conditions."""
        filters = self.joined
        dates = {"gte": self.start_date, "lte": self.end_date}
        given = {name: value for name, value in dates.items() if value is not None}
        if given:
            filters = {"AND": [each for each in (filters, {"created_at": given}) if each]}
        return narrowed(filters, expired=self.show_expired, categories=self.categories)


class Mem0SearchIn(Mem0Conditions):
    """A search."""

    query: str = Field(min_length=1, max_length=100_000)
    top_k: int | None = Field(default=None, ge=1, le=MAX_LIMIT)
    limit: int | None = Field(default=None, ge=1, le=MAX_LIMIT)
    threshold: float | None = Field(default=None, ge=0, le=1)
    categories: list[str] | None = None
    fields: list[str] | None = None
    show_expired: bool = False
    output_format: str | None = None

    def request(self) -> SearchRequest:
        """Return the search."""
        narrow = narrowed(self.joined, expired=self.show_expired, categories=self.categories)
        return replace(
            narrow, query=self.query, limit=self.top_k or self.limit or 10, min_score=self.threshold or 0.0
        )


class Mem0UpdateIn(BaseModel):
    """Changes to a memory; omitted fields stay."""

    text: Text | None = None
    data: Text | None = Field(default=None, description="the same as text")
    metadata: Metadata | None = None
    timestamp: Moment | None = None
    expiration_date: EndMoment | None = None

    @model_validator(mode="after")
    def check_changes(self) -> "Mem0UpdateIn":
        """Refuse an empty change."""
        if not self.model_fields_set & {"expiration_date"} and not any(
            (self.text, self.data, self.metadata is not None, self.timestamp)
        ):
            raise PydanticCustomError(
                "no_change", "One of text, metadata, timestamp and expiration_date is required"
            )
        return self

    def changes(self, current: Mapping[str, Any]) -> dict[str, Any]:
        """Return the changes to a memory.

        Args:
            current: its metadata, of which the entities stay.
        """
        found: dict[str, Any] = {}
        text = self.text or self.data
        if text is not None:
            found["content"] = text
        if self.metadata is not None:
            found["metadata"] = self.metadata | {name: current[name] for name in KEPT if name in current}
        if self.timestamp is not None:
            found["valid_from"] = self.timestamp
        if "expiration_date" in self.model_fields_set:
            found["expires_at"] = self.expiration_date
        return found


class Mem0BatchChange(Mem0UpdateIn):
    """A change of a memory."""

    memory_id: UUID


class Mem0BatchUpdateIn(BaseModel):
    """Changes of several memories."""

    memories: list[Mem0BatchChange] = Field(min_length=1, max_length=MAX_MESSAGES)


class Mem0BatchNamed(BaseModel):
    """A memory to delete."""

    memory_id: UUID


class Mem0BatchDeleteIn(BaseModel):
    """Memories to delete."""

    memories: list[Mem0BatchNamed] = Field(min_length=1, max_length=MAX_MESSAGES)


class Mem0Added(BaseModel):
    """A stored message."""

    id: UUID
    memory: str
    event: Literal["ADD"]
    role: str
    actor_id: str | None = None


class Mem0AddOut(BaseModel):
    """The stored messages; `event_id` is the decision that records them."""

    results: list[Mem0Added]
    event_id: UUID


class Mem0MemoryOut(BaseModel):
    """A memory in mem0's shape; `score` only in a search."""

    id: UUID
    memory: str
    hash: str
    user_id: str | None = None
    agent_id: str | None = None
    app_id: str | None = None
    run_id: str | None = None
    role: str | None = None
    actor_id: str | None = None
    metadata: dict[str, Any] | None
    categories: list[str] | None
    created_at: datetime
    updated_at: datetime
    expiration_date: datetime | None = None
    score: float | None = None


class Mem0ListOut(BaseModel):
    """A page of memories; `next` and `previous` are URLs."""

    count: int
    next: str | None
    previous: str | None
    results: list[Mem0MemoryOut]


class Mem0MemoriesOrPageOut(RootModel[list[Mem0MemoryOut] | Mem0ListOut]):
    """Memories, or a page of them."""


class Mem0SearchOut(BaseModel):
    """Found memories, best first."""

    results: list[Mem0MemoryOut]


class Mem0HitsOut(RootModel[list[Mem0MemoryOut] | Mem0SearchOut]):
    """Memories, or an object with them."""


class Mem0ChangeOut(BaseModel):
    """A change of a memory."""

    id: UUID
    memory_id: UUID
    old_memory: str | None
    new_memory: str
    event: Literal["ADD", "UPDATE"]
    metadata: dict[str, Any] | None
    created_at: datetime
    updated_at: datetime


class Mem0HistoryOut(RootModel[list[Mem0ChangeOut]]):
    """Changes, oldest first."""


class Mem0EntityOut(BaseModel):
    """A user, agent, app or run that memories name."""

    id: str
    name: str
    type: Literal["user", "agent", "app", "run"]
    total_memories: int


class Mem0EntitiesOut(BaseModel):
    """The users, agents, apps and runs that memories name."""

    count: int
    next: None
    previous: None
    results: list[Mem0EntityOut]


class Mem0MessageOut(BaseModel):
    """A confirmation."""

    message: str


class Mem0PingOut(BaseModel):
    """The caller's organisation."""

    status: Literal["ok"]
    org_id: UUID
    project_id: str
    user_email: None


def memory_out(row: Memory) -> dict[str, Any]:
    """Render a memory."""
    return _rendered(
        row.id, row.content, row.metadata, row.tags, row.recorded_at, row.changed_at, row.expires_at
    )


def hit_out(hit: Hit, row: Memory | None, fields: Sequence[str] | None) -> dict[str, Any]:
    """Render a hit.

    Args:
        hit: the hit, whose text may be cut for lack of room.
        row: its memory; None if it was erased since.
        fields: of the answer, besides the id; None for all.
    """
    changed, expires = (row.changed_at, row.expires_at) if row else (hit.recorded_at, None)
    shown = _rendered(hit.id, hit.content, hit.metadata, hit.tags, hit.recorded_at, changed, expires)
    shown["score"] = hit.ranked.score
    return shown if fields is None else {name: shown[name] for name in ("id", *fields) if name in shown}


def _rendered(
    memory: UUID,
    content: str,
    metadata: Mapping[str, Any],
    tags: Sequence[str],
    recorded_at: datetime,
    changed_at: datetime,
    expires_at: datetime | None,
) -> dict[str, Any]:
    named = {name: metadata[name] for name in KEPT if metadata.get(name) is not None}
    own = {name: value for name, value in metadata.items() if name not in KEPT}
    return {
        "id": str(memory),
        "memory": content,
        "hash": hashlib.md5(content.encode(), usedforsecurity=False).hexdigest(),
        **named,
        "metadata": own or None,
        "categories": list(tags) or None,
        "created_at": recorded_at.isoformat(),
        "updated_at": changed_at.isoformat(),
        **({"expiration_date": expires_at.isoformat()} if expires_at else {}),
    }


def change_out(memory: UUID, change: Change) -> dict[str, Any]:
    """Render a change."""
    before, after = change.before, change.after
    own = {name: value for name, value in after["metadata"].items() if name not in KEPT}
    at = change.recorded_at.isoformat()
    return {
        "id": str(change.id),
        "memory_id": str(memory),
        "old_memory": None if before is None else text_of(before["content"]),
        "new_memory": text_of(after["content"]),
        "event": "ADD" if before is None else "UPDATE",
        "metadata": own or None,
        "created_at": at,
        "updated_at": at,
    }
