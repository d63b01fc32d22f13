"""Shapes that several resources share."""

from datetime import datetime
from uuid import UUID

from drf_spectacular.utils import OpenApiResponse
from pydantic import BaseModel, Field

from liftos.kernel.http.strict import Strict
from memory.policy_types import Policy

NO_SPACE = OpenApiResponse(description="No such space, version or member in this organisation")


class CancelIn(Strict):
    """A cancellation, with its reason for the record."""

    reason: str = Field(default="", max_length=2_000)


class RejectionOut(BaseModel):
    """The rejection whose value a text contains, because of which its memory was stored as a candidate."""

    decision_id: UUID
    memory_id: UUID
    rejected_at: datetime


class SecretOut(BaseModel):
    """Secrets of one kind in one field; a field of metadata is named by its path."""

    field: str
    kind: str
    count: int


class SecretsOut(BaseModel):
    """The secrets in a memory, and the policy that applied: flag, redact or refuse."""

    policy: str
    found: list[SecretOut]


class DerivedOut(BaseModel):
    """The effect on derived memories: how many were found and what the policy did; `more` if a limit left some out."""

    policy: Policy
    found: int
    contested: int
    hidden: int
    left_alone: int
    more: bool
    decision_id: UUID | None
