"""Wire shapes of decisions."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from accountability.reviews.queries import Order
from accountability.types import Effect, ReviewState, RiskClass, Verdict
from liftos.kernel.http.pagination import PageQuery, QueryText
from liftos.kernel.http.strict import Strict


class DecisionQuery(PageQuery):
    """Filters of the decision list."""

    operation: QueryText = ""
    correlation_id: QueryText = ""
    subject_id: QueryText = ""


class DecisionOut(BaseModel):
    """A decision record; the last five are empty once its payload has been erased.

    `confidence_calibrated` is what the verdicts on decisions like it make of its confidence; null where they are too few.
    """

    id: UUID
    operation: str
    decision_point: str
    subject_kind: str
    subject_id: str
    risk_class: str
    effect: str
    confidence: float | None
    confidence_calibrated: float | None = None
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
    reasoning: str
    inputs: dict[str, Any]
    outputs: dict[str, Any]
    alternatives: list[Any]
    memories: list[dict[str, Any]]


class DecisionPage(BaseModel):
    """A page of decisions."""

    results: list[DecisionOut]
    next: str | None


class DecisionCreated(BaseModel):
    """The answer to a recorded decision; `index` is its place in the log, null while it waits for it."""

    id: UUID
    correlation_id: str
    trace_id: str
    index: int | None


class ChainStep(BaseModel):
    """A decision of a chain: `distance` is negative before, 0 for the one asked for, positive after."""

    distance: int
    decision: DecisionOut


class ChainOut(BaseModel):
    """A chain, earliest ancestors first."""

    results: list[ChainStep]
    next: None


class WaitQuery(BaseModel):
    """What to wait for."""

    wait: str = Field(default="", pattern="^(integrated)?$")


class ProofQuery(WaitQuery):
    """How a proof is wanted."""

    disclose: bool = False


class ExportQuery(BaseModel):
    """In which form an export is wanted."""

    format: Literal["jsonl", "prov"] = "jsonl"


class CheckpointOut(BaseModel):
    """The newest signed tree head, and the key it verifies with."""

    origin: str
    size: int
    root: str
    checkpoint: str
    key: str
    pending: int
    recorded_at: datetime


class ConsistencyQuery(BaseModel):
    """Two sizes of the log; `to` is its present size when left out."""

    first: int = Field(ge=1, validation_alias="from")
    second: int | None = Field(default=None, ge=1, validation_alias="to")


class VerificationOut(BaseModel):
    """Whether a log holds, rebuilt from its rows; `text` names the first thing that does not."""

    holds: bool
    text: str
    records: int


class ReviewIn(Strict):
    """What a reviewer says of a decision; a reason is optional only for an approval."""

    verdict: Verdict
    reason: str = Field(default="", max_length=2_000)


class ReviewedOut(BaseModel):
    """What a review led to; `reversal` tells what was taken back of an overturned decision's effect."""

    id: UUID
    decision_id: UUID
    verdict: Verdict
    state: ReviewState
    reversal: dict[str, Any] | None


class ReviewOut(BaseModel):
    """A review; `id` is that of its own record."""

    id: UUID
    verdict: Verdict
    reason: str
    actor_kind: str
    actor_id: str
    on_behalf_of: str
    recorded_at: datetime


class ReviewList(BaseModel):
    """What was said of a decision, oldest first; `state` is null where nobody asked for a review."""

    state: ReviewState | None
    results: list[ReviewOut]
    next: None


class QueueQuery(PageQuery):
    """Which of the queue is wanted, and in which order."""

    order: Order = Order.RISK
    states: QueryText = ""
    risk_class: RiskClass | None = None
    decision_point: QueryText = ""
    assigned_to: QueryText | None = None
    confidence_below: float | None = Field(default=None, ge=0, le=1)


class QueuedOut(BaseModel):
    """A decision to review; `id` is the decision's, `reasoning` is empty once its payload has been erased."""

    id: UUID
    state: ReviewState
    because: str
    operation: str
    decision_point: str
    risk_class: str
    effect: str
    confidence: float | None
    actor_kind: str
    actor_id: str
    on_behalf_of: str
    reasoning: str
    assigned_to: str
    recorded_at: datetime
    changed_at: datetime


class QueuePage(BaseModel):
    """A page of the queue."""

    results: list[QueuedOut]
    next: str | None


class PolicyBody(Strict):
    """Which decisions are reviewed, and which want two reviewers."""

    risk_classes: list[RiskClass] = Field(default=[RiskClass.HIGH], max_length=3)
    confidence_below: float = Field(default=0.5, ge=0, le=1)
    effects: list[Effect] = Field(default=[Effect.WRITE, Effect.DELETE], max_length=3)
    sample_share: float = Field(default=0, ge=0, le=1)
    second_reviewer: list[RiskClass] = Field(default=[RiskClass.HIGH], max_length=3)


class CalibrationOut(BaseModel):
    """How far the confidences of one decision point, method and model version can be believed.

    `raw` and `after` hold `calibration_error` and `brier`, each with `value` and the ends of its 95% interval, `low` and `high`;
    `after` is cross-validated, and null while there are too few verdicts.
    """

    decision_point: str
    confidence_method: str
    versions: dict[str, Any]
    reviews: int
    right: int
    method: str
    parameters: dict[str, list[float]]
    raw: dict[str, Any]
    after: dict[str, Any] | None
    bins: list[dict[str, float]]
    because: dict[str, int]
    decision_id: UUID
    fitted_at: datetime


class CalibrationList(BaseModel):
    """All of them, the most reviewed first."""

    results: list[CalibrationOut]
    next: None
