"""Shapes that the answers of several resources hold."""

from datetime import datetime
from uuid import UUID

from drf_spectacular.utils import OpenApiResponse
from pydantic import BaseModel

from memory.policy_types import Policy

NO_SPACE = OpenApiResponse(
    description="There is no such space, version or member, or it is another organisation's"
)


class RejectionOut(BaseModel):
    """The rejection of a value that a text holds; a memory is stored as a candidate for it."""

    decision_id: UUID
    memory_id: UUID
    rejected_at: datetime


class DerivedOut(BaseModel):
    """The memories made from one that no longer holds: how many were found, and what the policy did; `more` were left alone."""

    policy: Policy
    found: int
    contested: int
    hidden: int
    left_alone: int
    more: bool
    decision_id: UUID | None
