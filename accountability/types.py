"""Decisions, reviews and the review policy. No Django here."""

from dataclasses import dataclass, field, fields
from datetime import datetime
from enum import StrEnum
from typing import Any, Self
from uuid import UUID

from liftos.kernel.tenancy.types import Actor


class Effect(StrEnum):
    """A decision's effect on stored state."""

    READ = "read"
    WRITE = "write"
    DELETE = "delete"


class RiskClass(StrEnum):
    """The harm that a wrong decision can do; sets the order of review."""

    MINIMAL = "minimal"
    LIMITED = "limited"
    HIGH = "high"


@dataclass(frozen=True, slots=True)
class Decision:
    """A decision record; the fields of the payload are empty once it has been erased."""

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
    """A reviewer's verdict on a decision."""

    APPROVE = "approve"
    OVERTURN = "overturn"
    INFORMATION = "information"

    @property
    def point(self) -> str:
        """The decision point of the review's record, which unlike its payload is never erased."""
        return f"review.{self.value}"


class ReviewState(StrEnum):
    """The state of a decision's review."""

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
    """The decisions of an organisation that enter the review queue, and those that need two reviewers.

    Attributes:
        risk_classes: every decision of these.
        confidence_below: decisions with a lower confidence, 0..1, whose effect is among `effects`.
        effects: to which `confidence_below` applies.
        sample_share: share of the others that state a confidence, 0..1: an unbiased sample for calibration.
        second_reviewer: risk classes in which two reviewers must agree.
    """

    risk_classes: tuple[str, ...] = ("high",)
    confidence_below: float = 0.5
    effects: tuple[str, ...] = ("write", "delete")
    sample_share: float = 0.0
    second_reviewer: tuple[str, ...] = ("high",)

    @classmethod
    def from_attributes(cls, source: object) -> Self:
        """Return the policy of an object with attributes of the same names; lists become tuples."""
        values: dict[str, Any] = {each.name: getattr(source, each.name) for each in fields(cls)}
        lists = {name: tuple(each) for name, each in values.items() if isinstance(each, list)}
        return cls(**(values | lists))


@dataclass(frozen=True, slots=True)
class Review:
    """One review; the reason is empty once its payload has been erased."""

    id: UUID
    verdict: Verdict
    reason: str
    actor: Actor
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class Reviewed:
    """The outcome of a review.

    Attributes:
        id: the review's own record.
        decision_id: the decision reviewed.
        verdict: given.
        state: of the review now.
        reversal: what the reverser of an overturned decision did; None without one or unless overturned.
    """

    id: UUID
    decision_id: UUID
    verdict: Verdict
    state: ReviewState
    reversal: dict[str, Any] | None
