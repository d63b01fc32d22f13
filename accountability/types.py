"""What a decision record says, and what reviewers say of it. No Django here."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from liftos.kernel.tenancy.types import Actor


class Effect(StrEnum):
    """What carrying out the decision did."""

    READ = "read"
    WRITE = "write"
    DELETE = "delete"


class RiskClass(StrEnum):
    """How much a wrong decision can harm; decides who reviews what first."""

    MINIMAL = "minimal"
    LIMITED = "limited"
    HIGH = "high"


@dataclass(frozen=True, slots=True)
class Decision:
    """A decision record as it is read back; the payload fields are empty once erased."""

    id: UUID
    operation: str
    decision_point: str
    subject_kind: str
    subject_id: str
    risk_class: str
    effect: str
    confidence: float | None
    confidence_method: str
    actor_kind: str
    actor_id: str
    on_behalf_of: str
    parents: list[UUID]
    versions: dict[str, Any]
    correlation_id: str
    trace_id: str
    span_id: str
    started_at: datetime
    ended_at: datetime
    recorded_at: datetime
    reasoning: str = ""
    inputs: dict[str, Any] = field(default_factory=dict)
    outputs: dict[str, Any] = field(default_factory=dict)
    alternatives: list[Any] = field(default_factory=list)
    memories: list[dict[str, Any]] = field(default_factory=list)


REVIEW_OPERATION = "decision.review"


class Verdict(StrEnum):
    """What a reviewer says of a decision."""

    APPROVE = "approve"
    OVERTURN = "overturn"
    INFORMATION = "information"

    @property
    def point(self) -> str:
        """The decision point of its record: it outlives the payload, which may be erased."""
        return f"review.{self.value}"


class ReviewState(StrEnum):
    """How far the review of a decision has come."""

    OPEN = "open"
    WAITING_INFORMATION = "waiting_information"
    WAITING_SECOND = "waiting_second"
    APPROVED = "approved"
    OVERTURNED = "overturned"


TO_DO = (ReviewState.OPEN, ReviewState.WAITING_INFORMATION, ReviewState.WAITING_SECOND)
SETTLED = (ReviewState.APPROVED, ReviewState.OVERTURNED)


class Because(StrEnum):
    """Why a decision is reviewed."""

    RISK = "risk"
    CONFIDENCE = "confidence"
    SAMPLE = "sample"
    HAND = "hand"


@dataclass(frozen=True, slots=True)
class Policy:
    """Which decisions of an organisation enter the queue, and which want two reviewers.

    Attributes:
        risk_classes: all decisions of these.
        confidence_below: those with a lower confidence, 0..1, whose effect is among `effects`.
        effects: of those that a low confidence brings in.
        sample_share: of the others that state a confidence, this share, 0..1: an unbiased sample for calibration.
        second_reviewer: risk classes in which a verdict counts once two reviewers agree on it.
    """

    risk_classes: tuple[str, ...] = ("high",)
    confidence_below: float = 0.5
    effects: tuple[str, ...] = ("write", "delete")
    sample_share: float = 0.0
    second_reviewer: tuple[str, ...] = ("high",)


@dataclass(frozen=True, slots=True)
class Review:
    """One review as its record tells; the reason is empty once the payload has been erased."""

    id: UUID
    verdict: Verdict
    reason: str
    actor: Actor
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class Reviewed:
    """What a review led to.

    Attributes:
        id: the review's own record.
        decision: the decision reviewed.
        verdict: given.
        state: of the review now.
        reversal: what an overturned decision's reverser did, None where it has none or nothing was overturned.
    """

    id: UUID
    decision: UUID
    verdict: Verdict
    state: ReviewState
    reversal: dict[str, Any] | None
