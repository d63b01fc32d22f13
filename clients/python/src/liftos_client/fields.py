"""Keyword arguments by request, named as in the API (`/openapi.json`)."""

from datetime import datetime
from typing import Any, Literal, TypedDict

Time = str | int | float | datetime
Range = dict[str, Any] | Time | None
State = Literal["candidate", "active", "contested", "rejected", "superseded", "expired", "erased"]
VisibleTo = Literal["organisation"] | dict[str, Any]
Tags = list[str] | dict[str, list[str]]


class LinkFields(TypedDict, total=False):
    """A link to a memory, by `target` (its id) or `external_id`."""

    kind: str
    target: str
    external_id: str
    source: str
    weight: float
    properties: dict[str, Any]
    valid_from: Time
    valid_to: Time


class PutFields(TypedDict, total=False):
    """Fields of a memory beside its content and its external id."""

    index: bool
    metadata: dict[str, Any]
    memory_type: str
    tags: list[str]
    importance: float
    links: list[LinkFields]
    valid_from: Time
    valid_to: Time
    embedding: list[float]
    embedding_model: str
    thread: str
    derived_from: list[str]
    expires_at: Time
    ttl_seconds: float
    visible_to: VisibleTo
    state: State
    user_id: str


class MemoryFields(PutFields, total=False):
    """Fields of a new memory beside its content."""

    source: str
    external_id: str


class MemoryChanges(TypedDict, total=False):
    """Changes that `correct` makes."""

    content: str | dict[str, Any]
    index: bool
    metadata: dict[str, Any]
    memory_type: str
    tags: list[str]
    importance: float
    valid_from: Time | None
    valid_to: Time | None
    expires_at: Time | None
    visible_to: VisibleTo
    state: State
    reason: str


class Narrow(TypedDict, total=False):
    """Conditions on memories; all of them hold."""

    filters: dict[str, Any]
    memory_type: str
    states: list[State]
    as_of: Time
    known_at: Time
    tags: Tags
    thread: str
    source: str | dict[str, str]
    external_id: str
    entity: str
    text: str
    recorded_at: Range
    changed_at: Range
    happened_at: Range
    valid_from: Range
    valid_to: Range
    expires_at: Range


class SearchFields(Narrow, total=False):
    """Arguments of `recall` beside the query."""

    search_type: Literal["hybrid", "neural", "knowledge", "conceptual"]
    limit: int
    recency: float
    importance: float
    half_life_days: float
    min_score: float
    diversity: float
    space: str
    space_version: int
    target: dict[str, float | str]
    concept: str
    like: str
    cursor: str
    total: bool


class ListFields(Narrow, total=False):
    """Arguments of `list`."""

    order: str


class DecisionFields(TypedDict, total=False):
    """Fields of a decision beside its operation and reasoning."""

    decision_point: str
    inputs: dict[str, Any]
    outputs: dict[str, Any]
    alternatives: list[Any]
    memories: list[Any]
    confidence: float
    confidence_method: str
    versions: dict[str, Any]
    parents: list[str]
    subject: dict[str, str]
    risk_class: Literal["minimal", "limited", "high"]
    effect: Literal["read", "write", "delete"]
    started_at: Time
    wait: Literal["", "integrated"]


class DecisionQuery(TypedDict, total=False):
    """Conditions on decisions."""

    operation: str
    correlation_id: str
    subject_id: str
    since: Time
    until: Time
    actor: str
    effect: Literal["read", "write", "delete"]


class RunFields(TypedDict, total=False):
    """Fields of a workflow run beside its template."""

    version: int
    metadata: dict[str, Any]
    visible_to: VisibleTo
