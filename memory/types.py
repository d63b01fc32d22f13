"""What a memory is, outside of the database. No Django here."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import numpy as np

from liftos.kernel.tenancy.types import Actor, Principal, Scope

MAX_CONTENT = 1_000_000
"""Characters of a memory's text."""


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
    """Whether a memory has its vector yet; one that shows nothing has none, and is never found."""

    READY = "ready"
    PENDING = "pending"
    NONE = "none"


VISIBLE = (TrustState.ACTIVE, TrustState.CONTESTED)
"""What search and lists give unless asked otherwise (docs/memory-life.md)."""

LIVING = (TrustState.CANDIDATE, TrustState.ACTIVE, TrustState.CONTESTED)
"""What can still be changed, superseded, or expire."""


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
class PastVersion:
    """A version that had ended where a memory comes from, and the change that ended it.

    Attributes:
        version: from 1, without a gap.
        content, metadata, memory_type, tags, importance, state, valid_from, valid_to, expires_at, superseded_by: what it said.
        known_from, known_to: when it was the present one, aware UTC.
        operation, reason, actor: of the change that ended it.
        vector: of its text, shape (d,), where the file brings one.
    """

    version: int
    content: str
    metadata: dict[str, Any]
    memory_type: str
    tags: tuple[str, ...]
    importance: float
    state: TrustState
    valid_from: datetime | None
    valid_to: datetime | None
    expires_at: datetime | None
    superseded_by: UUID | None
    known_from: datetime
    known_to: datetime
    operation: str
    reason: str
    actor: Actor
    vector: np.ndarray | None = None


@dataclass(frozen=True, slots=True)
class Past:
    """What an operator's import knows of a memory's life elsewhere; no caller of the API can say these.

    Attributes:
        id: the id it had.
        recorded_at: when it was learned, aware UTC.
        state: how far it was believed; an import never believes more than the path it comes by.
        version: its present one.
        changed_at: since when that is the present one, aware UTC; since it was learned when left out.
        actor: who stored it there; the importer when left out.
        history: the versions before the present one, oldest first.
    """

    id: UUID
    recorded_at: datetime | None = None
    state: TrustState = TrustState.ACTIVE
    version: int = 1
    changed_at: datetime | None = None
    actor: Actor | None = None
    history: tuple[PastVersion, ...] = ()


@dataclass(frozen=True, slots=True)
class MemoryDraft:
    """A memory to store.

    Attributes:
        content: the text; one that shows nothing is kept, and never found.
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
        derived_from: ids of the memories it was made from; they must exist.
        expires_at: when it is no longer to be believed, aware UTC; None for its type's time, if that has one.
        past: of an import.
        wish: how far whoever stores it would have it believed; `granted` says how far it is.
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
    derived_from: tuple[UUID, ...] = ()
    expires_at: datetime | None = None
    past: Past | None = None
    wish: TrustState | None = None


def granted(trust: TrustState, wish: TrustState | None) -> TrustState:
    """Return the state in which a memory is stored: as wished, but never believed more than its path allows.

    A store can't reject, supersede, expire or erase: who wishes that gets a candidate, which nobody believes.

    Args:
        trust: what the path and the credential allow, active or candidate.
        wish: of whoever stores it; None for none.
    """
    if wish is None or trust is not TrustState.ACTIVE:
        return trust
    return wish if wish in LIVING else TrustState.CANDIDATE


def trust_of(principal: Principal) -> TrustState:
    """Return the trust state of what a caller stores: who may only propose stores candidates."""
    return TrustState.ACTIVE if principal.may(Scope.MEMORY_WRITE) else TrustState.CANDIDATE


class Outcome(StrEnum):
    """What became of a draft."""

    STORED = "stored"
    UNCHANGED = "unchanged"
    CONFLICT = "conflict"
    REJECTED = "rejected"
    UNKNOWN_SOURCE = "unknown_source"
    ERASED = "erased"
    ID_TAKEN = "id_taken"


FLAGGED = "Its text holds a rejected value (rejection {})."
"""What the history says of a memory that became a candidate by that."""


@dataclass(frozen=True, slots=True)
class Rejection:
    """The rejection of a value.

    Attributes:
        decision: its decision record, which is also its name.
        memory: the memory that was rejected.
        recorded_at: when, aware UTC.
    """

    decision: UUID
    memory: UUID
    recorded_at: datetime

    @property
    def text(self) -> str:
        """What a writer of the value is told."""
        return f"This value was rejected on {self.recorded_at:%Y-%m-%d} (rejection {self.decision})."

    @property
    def flag(self) -> str:
        """What the history of a memory says whose text holds the value among others."""
        return FLAGGED.format(self.decision)

    def as_json(self) -> dict[str, str]:
        """Return it as answers name it."""
        return {
            "decision_id": str(self.decision),
            "memory_id": str(self.memory),
            "rejected_at": self.recorded_at.isoformat(),
        }


@dataclass(frozen=True, slots=True)
class Stored:
    """The result of storing one draft.

    Attributes:
        id: the memory's; the earlier one's where one had the external id already.
        outcome: what became of the draft.
        embedding: whether it has its vector.
        rejection: what refused it, where its value is a rejected one, or it holds one and the organisation refuses that.
        flagged: the rejection of a value that its text holds, by which it is stored as a candidate.
        decision: the record of the store.
    """

    id: UUID
    outcome: Outcome
    embedding: EmbeddingState
    rejection: Rejection | None = None
    decision: UUID | None = None
    flagged: Rejection | None = None

    @property
    def mark(self) -> dict[str, Any]:
        """What an answer says of a memory that was flagged: its state and the rejection; nothing of another."""
        if self.flagged is None:
            return {}
        return {"state": str(TrustState.CANDIDATE), "rejection": self.flagged.as_json()}
