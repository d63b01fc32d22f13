"""What a memory is, outside of the database. No Django here."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import numpy as np


class TrustState(StrEnum):
    """How far a memory may be believed."""

    CANDIDATE = "candidate"
    ACTIVE = "active"
    CONTESTED = "contested"
    REJECTED = "rejected"
    SUPERSEDED = "superseded"
    EXPIRED = "expired"
    ERASED = "erased"


class LinkKind(StrEnum):
    """How one memory relates to another."""

    FOLLOWS = "follows"
    SUPPORTS = "supports"
    CONTRADICTS = "contradicts"
    DERIVED_FROM = "derived_from"
    ABOUT = "about"


class EmbeddingState(StrEnum):
    """Whether a memory has its vector yet."""

    READY = "ready"
    PENDING = "pending"


@dataclass(frozen=True, slots=True)
class LinkDraft:
    """A link to write: to a memory named by its external id in the same source, which may not exist yet.

    Attributes:
        kind: how the two relate.
        external_id: of the target.
        weight: how strongly, 0..1.
    """

    kind: LinkKind
    external_id: str
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class MemoryDraft:
    """A memory to store.

    Attributes:
        content: the text; may be empty.
        metadata: any JSON object; its scalars can be filtered on.
        memory_type: free text, for example "insight".
        source: where it comes from; with `external_id` it names the memory to its origin.
        external_id: the origin's own id, empty for none.
        tags: labels.
        importance: 0..1.
        links: to other memories.
        valid_from: when it became true, if known.
        valid_to: when it ceased to be true, if known.
        embedding: float32, shape (d,), when the caller brings its own vector.
        thread: the session, conversation or document it is part of; empty to take it from the metadata.
    """

    content: str
    metadata: dict[str, Any] = field(default_factory=dict)
    memory_type: str = "general"
    source: str = ""
    external_id: str = ""
    tags: tuple[str, ...] = ()
    importance: float = 0.5
    links: tuple[LinkDraft, ...] = ()
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    embedding: np.ndarray | None = None
    thread: str = ""


class Outcome(StrEnum):
    """What became of a draft."""

    STORED = "stored"
    UNCHANGED = "unchanged"
    CONFLICT = "conflict"


@dataclass(frozen=True, slots=True)
class Stored:
    """The result of storing one draft; `id` is the earlier memory's where one had the external id already."""

    id: UUID
    outcome: Outcome
    embedding: EmbeddingState
