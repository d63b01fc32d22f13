"""Types of memories. No Django."""

import json
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import numpy as np

from liftos.kernel.db.viewers import ORGANISATION_SCOPE
from liftos.kernel.tenancy.types import Actor, Principal, Scope

MAX_CONTENT = 1_000_000
"""Characters of a memory's text."""


class TrustState(StrEnum):
    """How far a memory is trusted."""

    CANDIDATE = "candidate"
    ACTIVE = "active"
    CONTESTED = "contested"
    REJECTED = "rejected"
    SUPERSEDED = "superseded"
    EXPIRED = "expired"
    ERASED = "erased"


class LinkKind(StrEnum):
    """The relation of one memory to another; an organisation may use further kinds (LINK_KIND)."""

    FOLLOWS = "follows"
    SUPPORTS = "supports"
    CONTRADICTS = "contradicts"
    DERIVED_FROM = "derived_from"
    ABOUT = "about"


LINK_KIND = r"^[a-z][a-z0-9]*([_.-][a-z0-9]+)*$"
"""The form of a link's kind."""
MAX_LINK_KIND = 50


class EmbeddingState(StrEnum):
    """How far a memory's text has vectors; NONE for blank memories and those stored with `index: false`, which are never found.

    READY, PARTIAL, UNREADABLE: the model has read all, some, or nothing of it. PENDING: it has not tried.
    """

    READY = "ready"
    PENDING = "pending"
    NONE = "none"
    PARTIAL = "partial"
    UNREADABLE = "unreadable"


SETTLED = (EmbeddingState.READY, EmbeddingState.PARTIAL, EmbeddingState.UNREADABLE)
"""States of memories that the model has tried to read."""
WHOLE = -1
"""The passage number of a vector that stands for a memory of several passages as a whole."""


VISIBLE = (TrustState.ACTIVE, TrustState.CONTESTED)
"""States that searches and lists return by default (docs/memory-life.md)."""

LIVING = (TrustState.CANDIDATE, TrustState.ACTIVE, TrustState.CONTESTED)
"""States in which a memory can be changed, be superseded or expire."""


@dataclass(frozen=True, slots=True)
class Mark:
    """The beginning of a page or section of a text; holds until the next mark.

    Attributes:
        start: offset in characters.
        page: from 1; None if unknown.
        heading: the section's heading with its path, outermost first.
    """

    start: int
    page: int | None = None
    heading: str = ""


@dataclass(frozen=True, slots=True)
class LinkDraft:
    """A link to write, to an external id, whose memory may not exist yet, or to an existing memory.

    Attributes:
        kind: the relation, in the form of LINK_KIND.
        external_id: the target's external id; empty for a link by id.
        weight: strength, 0..1.
        source: of the external id; None for the linking memory's.
        target: the target's id; None for a link by external id.
        properties: a JSON object.
        valid_from, valid_to: when the relation holds, aware UTC, if known.
    """

    kind: str
    external_id: str = ""
    weight: float = 1.0
    source: str | None = None
    target: UUID | None = None
    properties: dict[str, Any] = field(default_factory=dict)
    valid_from: datetime | None = None
    valid_to: datetime | None = None


@dataclass(frozen=True, slots=True)
class PastVersion:
    """An ended version of an imported memory, and the change that ended it.

    Attributes:
        version: consecutive, from 1.
        content, metadata, memory_type, tags, importance, state, valid_from, valid_to, expires_at, superseded_by: its values.
        known_from, known_to: when it was current, aware UTC.
        operation, reason, actor: the change that ended it.
        vector: of its text, shape (d,), if in the file.
        vector_model: the name of the vector's model.
        layout: where its pages and sections begin.
        is_object: whether the content is the JSON of an object.
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
    vector_model: str = ""
    layout: tuple[Mark, ...] = ()
    is_object: bool = False


@dataclass(frozen=True, slots=True)
class DocumentPart:
    """The file that a version of an imported document was read from; see `memory.models.Document`."""

    version: int
    title: str
    name: str
    media_type: str
    pages: int | None
    characters: int
    bytes: int
    sha256: str
    recorded_at: datetime | None


@dataclass(frozen=True, slots=True)
class TurnPart:
    """An imported turn's place in its conversation, and its speaker."""

    number: int
    role: str
    name: str


@dataclass(frozen=True, slots=True)
class Past:
    """The past of an imported memory; can't be set through the API.

    Attributes:
        id: its original id.
        recorded_at: when it was recorded, aware UTC.
        state: its original trust state, which the import's own trust may lower.
        version: the current version.
        changed_at: when the current version began, aware UTC; defaults to recorded_at.
        actor: who stored it; defaults to the importer.
        history: earlier versions, oldest first.
        owner: the name of the principal that stored it; empty if unknown.
        documents: the files its versions were read from, if it is a document.
        turn: its place in a conversation, if it is a turn.
    """

    id: UUID
    recorded_at: datetime | None = None
    state: TrustState = TrustState.ACTIVE
    version: int = 1
    changed_at: datetime | None = None
    actor: Actor | None = None
    history: tuple[PastVersion, ...] = ()
    owner: str = ""
    documents: tuple[DocumentPart, ...] = ()
    turn: TurnPart | None = None


@dataclass(frozen=True, slots=True)
class VisibleTo:
    """The readers of a memory: the members of groups, or one principal, by names or ids; without either, the organisation."""

    groups: tuple[str, ...] = ()
    principal: str = ""

    def as_json(self) -> str | dict[str, Any]:
        """Return it as callers write it."""
        if self.principal:
            return {"principal": self.principal}
        return {"groups": list(self.groups)} if self.groups else "organisation"


ORGANISATION = VisibleTo()
"""Everybody in the organisation."""


@dataclass(frozen=True, slots=True)
class MemoryDraft:
    """A memory to store.

    Attributes:
        content: the text; a blank one is stored but never found.
        is_object: whether the text is the JSON of an object, as which it is returned.
        index: whether searches may find it; lists always do.
        metadata: any JSON object; its scalars can be filtered on.
        memory_type: free text, for example "insight".
        source: the system it comes from, within which `external_id` is unique.
        external_id: its id in the source; empty for none.
        tags: labels.
        importance: 0..1.
        links: to other memories.
        valid_from: when it became true, if known.
        valid_to: when it stopped being true, if known.
        embedding: the caller's own vector, float32, shape (d,).
        embedding_model: the name of its model or embedder; empty if not given.
        thread: the session, conversation or document it belongs to; empty to derive it from the metadata.
        derived_from: ids of existing memories it was derived from.
        expires_at: when it expires, aware UTC; None for the default of its type.
        past: of an imported memory.
        layout: where its pages and sections begin, given by a document's parser.
        requested_state: the requested trust state; see `granted`.
        visible_to: who may see it; None for `scope`.
        scope: the access scope of who may see it, which a store finds by `visible_to`.
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
    embedding_model: str = ""
    thread: str = ""
    derived_from: tuple[UUID, ...] = ()
    expires_at: datetime | None = None
    past: Past | None = None
    layout: tuple[Mark, ...] = ()
    requested_state: TrustState | None = None
    visible_to: VisibleTo | None = None
    scope: int = ORGANISATION_SCOPE
    is_object: bool = False
    index: bool = True

    @property
    def named(self) -> tuple[UUID, ...]:
        """The ids of memories that must exist for it to be stored."""
        return (*self.derived_from, *(link.target for link in self.links if link.target is not None))


def text_of(data: Any) -> str:
    """Return a string unchanged, and other data as JSON with sorted keys."""
    if isinstance(data, str):
        return data
    return json.dumps(data, ensure_ascii=False, sort_keys=True)


def as_given(text: str, *, is_object: bool) -> str | dict[str, Any]:
    """Return a content as its writer gave it: an object that is stored as its JSON, or a text."""
    if not is_object:
        return text
    content: dict[str, Any] = json.loads(text)
    return content


def granted(trust: TrustState, requested: TrustState | None) -> TrustState:
    """Return the state in which a memory is stored: the requested one, limited by the caller's trust.

    A store can't reject, supersede, expire or erase: such requests are stored as candidates.

    Args:
        trust: the highest state the caller may store, active or candidate.
        requested: the requested state, if any.
    """
    if requested is None or trust is not TrustState.ACTIVE:
        return trust
    return requested if requested in LIVING else TrustState.CANDIDATE


def trust_of(principal: Principal) -> TrustState:
    """Return the highest trust state a caller may store: candidate for callers that may only propose."""
    return TrustState.ACTIVE if principal.may(Scope.MEMORY_WRITE) else TrustState.CANDIDATE


class Outcome(StrEnum):
    """The result of storing a draft."""

    STORED = "stored"
    UNCHANGED = "unchanged"
    CONFLICT = "conflict"
    REJECTED = "rejected"
    UNKNOWN_SOURCE = "unknown_source"
    ERASED = "erased"
    ID_TAKEN = "id_taken"
    NOT_VISIBLE = "not_visible"
    SECRET = "secret"  # noqa: S105  an outcome
    OVER_QUOTA = "over_quota"


FLAGGED = "The text contains a rejected value (rejection {})."
"""The reason in the history of a flagged memory."""


@dataclass(frozen=True, slots=True)
class Rejection:
    """The rejection of a value.

    Attributes:
        decision: its decision record, which identifies it.
        memory: the rejected memory.
        recorded_at: aware UTC.
    """

    decision: UUID
    memory: UUID
    recorded_at: datetime

    @property
    def text(self) -> str:
        """The error message for writes of the value."""
        return f"This value was rejected on {self.recorded_at:%Y-%m-%d} (rejection {self.decision})."

    @property
    def flag(self) -> str:
        """The reason in the history of a memory flagged by it."""
        return FLAGGED.format(self.decision)

    def as_json(self) -> dict[str, str]:
        """Render it as a JSON-ready value."""
        return {
            "decision_id": str(self.decision),
            "memory_id": str(self.memory),
            "rejected_at": self.recorded_at.isoformat(),
        }


@dataclass(frozen=True, slots=True)
class Screened:
    """Secrets found in a memory, and the policy that applied.

    Attributes:
        policy: flag, redact or refuse.
        found: number of secrets by field and kind; a field of metadata is named by its path.
    """

    policy: str
    found: dict[tuple[str, str], int]

    @property
    def listed(self) -> list[dict[str, Any]]:
        """The findings as JSON-ready values."""
        return [{"field": field, "kind": kind, "count": count} for (field, kind), count in self.found.items()]

    @property
    def mark(self) -> dict[str, Any]:
        """Fields of the answer."""
        return {"secrets": {"policy": self.policy, "found": self.listed}}

    @property
    def effect(self) -> str:
        """The sentence of a decision's reasoning."""
        shown = ", ".join(dict.fromkeys(kind for _, kind in self.found))
        done = {"flag": "stored as a candidate", "redact": "replaced by marks"}.get(self.policy, "not stored")
        return f"It has secrets ({shown}): {done}."

    @property
    def is_flagged(self) -> bool:
        """The policy is to store it as a candidate."""
        return self.policy == "flag"

    @property
    def is_refused(self) -> bool:
        """The policy is not to store it."""
        return self.policy == "refuse"

    @property
    def refusal(self) -> str:
        """The error message for a refused memory."""
        shown = ", ".join(f"{field} ({kind})" for field, kind in list(self.found)[:5])
        return f"Secrets are not stored in this organisation: {shown}."


@dataclass(frozen=True, slots=True)
class Stored:
    """The result of storing one draft.

    Attributes:
        id: the memory's id; of the existing memory if the external id was taken.
        outcome: the result.
        embedding: the state of its vector.
        rejection: why it was refused: its value is rejected, or contains a rejected one and the policy is to refuse.
        flagged: the rejection whose value it contains, because of which it is stored as a candidate.
        field: why it was refused: the field that names a memory that does not exist, `derived_from` or `links`.
        decision: the decision record of the store.
        detail: why `visible_to` was refused.
        secrets: those found in it, unless the policy allows them.
        refusal: the error of a memory that a quota leaves no room for.
    """

    id: UUID
    outcome: Outcome
    embedding: EmbeddingState
    rejection: Rejection | None = None
    decision: UUID | None = None
    flagged: Rejection | None = None
    field: str = ""
    detail: str = ""
    secrets: Screened | None = None
    refusal: Exception | None = None

    @property
    def mark(self) -> dict[str, Any]:
        """The state and rejection of a flagged memory, and its secrets, as response fields; {} for others."""
        mark: dict[str, Any] = {}
        is_flagged = self.flagged is not None or (self.secrets is not None and self.secrets.is_flagged)
        if is_flagged and self.outcome is Outcome.STORED:
            mark["state"] = str(TrustState.CANDIDATE)
        if self.flagged is not None:
            mark["rejection"] = self.flagged.as_json()
        if self.secrets is not None:
            mark |= self.secrets.mark
        return mark
