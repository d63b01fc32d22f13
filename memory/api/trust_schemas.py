"""Wire shapes of a memory's life: changes, corrections, history, receipts."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, Field, model_validator
from pydantic_core import PydanticCustomError

from liftos.kernel.http.pagination import PageQuery
from liftos.kernel.http.strict import Strict
from liftos.kernel.http.times import Moment, not_before
from memory.api.schemas import WISH, Content, MemoryIn, Metadata, RejectionOut
from memory.erasure.types import Refuse
from memory.trust.derived_types import Policy
from memory.trust.rejection_types import RejectedInside
from memory.trust.revision import CHANGEABLE

Reason = Annotated[str, Field(max_length=2_000)]
NULLABLE = frozenset({"valid_from", "valid_to", "expires_at"})
WISHES = frozenset({"state", "trust"})


class MemoryPatch(Strict):
    """What to change of a memory; a field that is left out stays, null clears a time."""

    content: Content | None = None
    metadata: Metadata | None = None
    memory_type: str | None = Field(default=None, max_length=100)
    tags: list[Annotated[str, Field(max_length=100)]] | None = Field(default=None, max_length=100)
    importance: float | None = Field(default=None, ge=0, le=1)
    valid_from: Moment | None = None
    valid_to: Moment | None = None
    expires_at: Moment | None = None
    state: Any = Field(default=None, description=WISH)
    trust: Any = Field(default=None, description=WISH)
    reason: Reason = ""

    _in_order = not_before("valid_to", "valid_from")

    @model_validator(mode="after")
    def check_changes(self) -> "MemoryPatch":
        """Refuse a change of nothing, and null for what can't be without a value."""
        if not self.model_fields_set - {"reason"}:
            raise PydanticCustomError(
                "no_change", "At least one of {names} is needed", {"names": ", ".join(sorted(CHANGEABLE))}
            )
        for name in self.model_fields_set - NULLABLE - WISHES:
            if getattr(self, name) is None:
                raise ValueError(f"{name} can't be null")
        return self

    def changes(self) -> dict[str, Any]:
        """Return the given fields as the domain has them."""
        given = {name: getattr(self, name) for name in self.model_fields_set - WISHES - {"reason"}}
        if "tags" in given:
            given["tags"] = tuple(given["tags"])
        return given


class Correction(Strict):
    """Why a memory is confirmed, contested, rejected or erased."""

    reason: Reason = ""


class Supersession(MemoryIn):
    """The memory that takes another's place, and why."""

    reason: Reason = ""


class Corrected(BaseModel):
    """A memory after a correction."""

    id: UUID
    state: str
    version: int
    decision_id: UUID


class DerivedOut(BaseModel):
    """The memories made from one that no longer holds: how many were found, and what the policy did; `more` were left alone."""

    policy: Policy
    found: int
    contested: int
    hidden: int
    left_alone: int
    more: bool
    decision_id: UUID | None


class DerivedPolicyIn(Strict):
    """What becomes of memories that were made from one that was erased, rejected or superseded."""

    policy: Policy


class DerivedPolicyOut(BaseModel):
    """The policy; `decision_id` names the record of its change, if this request made one."""

    policy: Policy
    decision_id: UUID | None


class RejectionPolicyIn(Strict):
    """What becomes of texts that hold a rejected value."""

    policy: RejectedInside


class RejectionPolicyOut(BaseModel):
    """The policy; `decision_id` names the record of its change, if this request made one."""

    policy: RejectedInside
    decision_id: UUID | None


class Rejected(Corrected):
    """A memory after its rejection; `others` are those of the same value that were rejected with it."""

    others: list[UUID]
    derived: DerivedOut


class Superseded(Corrected):
    """A memory after another has taken its place; `successor_state` and `successor_rejection` where that was flagged."""

    superseded_by: UUID
    embedding: str
    derived: DerivedOut
    successor_state: str | None = None
    successor_rejection: RejectionOut | None = None


class RevisedOut(BaseModel):
    """A memory after a change; `decision_id` is null where nothing changed, `rejection` names that of a value in its new text."""

    id: UUID
    state: str
    version: int
    embedding: str
    decision_id: UUID | None
    rejection: RejectionOut | None = None


class ErasurePolicyIn(Strict):
    """What erasures remove and refuse."""

    scrub_quotes: bool
    refuse_erased_ids: Refuse


class ErasurePolicyOut(BaseModel):
    """The organisation's policy for erasures; `decision_id` is the decision that changed it, null where nothing changed."""

    scrub_quotes: bool
    refuse_erased_ids: Refuse
    decision_id: UUID | None


class Deleted(BaseModel):
    """The answer to a delete; the receipt is at `/api/v1/erasures/{erasure_id}`."""

    id: UUID
    deleted: bool
    decision_id: UUID
    erasure_id: UUID


class KeptOut(BaseModel):
    """What an erasure left where it is: how many rows quote it, by place; and tables whose older rows were not looked at."""

    places: dict[str, int] = {}
    not_looked_at: list[str] = []


class ErasureOut(BaseModel):
    """The receipt of an erasure: how much was removed from where, what stayed, and nothing of what it said.

    `part_of` is the receipt of the memories that this one was erased together with; it has the figures.
    """

    id: UUID
    memory_id: UUID
    recorded_at: datetime
    actor_kind: str
    actor_id: str
    on_behalf_of: str
    part_of: UUID | None
    removed: dict[str, int]
    kept: KeptOut
    caches: dict[str, str]
    derived_memories: list[UUID]
    derived: DerivedOut | None
    decision_id: UUID


class ActorOut(BaseModel):
    """Who did something; `on_behalf_of` is the caller's claim."""

    kind: str
    id: str
    on_behalf_of: str


class ChangeOut(BaseModel):
    """One change of a memory, with the fields before and after it; `before` is null for its beginning."""

    id: UUID
    version: int
    operation: str
    actor: ActorOut
    reason: str
    recorded_at: datetime
    written_at: datetime | None
    before: dict[str, Any] | None
    after: dict[str, Any]
    decision_id: UUID | None


class HistoryPage(BaseModel):
    """A page of a memory's changes, newest first."""

    results: list[ChangeOut]
    next: str | None


class HistoryQuery(PageQuery):
    """The history takes what every list takes."""
