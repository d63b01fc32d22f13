"""The events that accountability emits."""

from uuid import UUID

from pydantic import BaseModel, ConfigDict

from liftos.kernel.outbox.types import EventType
from liftos.kernel.tenancy.types import Scope


class _Data(BaseModel):
    model_config = ConfigDict(extra="forbid")


class DecisionRecorded(_Data):
    """A decision that a caller or a workflow recorded."""

    decision_id: UUID
    operation: str


class DecisionReviewed(_Data):
    """A reviewer's verdict, the review it is recorded as, and the state of the decision after it."""

    decision_id: UUID
    operation: str
    verdict: str
    state: str
    review_id: UUID
    reversed: bool


class OutcomeRecorded(_Data):
    """An outcome of a decision; `rightness` is how right the decision was, 0 to 1, null if the outcome's value does not say."""

    decision_id: UUID
    operation: str
    outcome_id: UUID
    rightness: float | None = None


class CalibrationDrifted(_Data):
    """A group of decisions whose newest confidences are further from what came of them than the band allows."""

    decision_id: UUID
    decision_point: str
    confidence_method: str
    expected: float
    observed: float
    reviews: int
    band: float


def _type(name: str, description: str, data: type[BaseModel]) -> EventType:
    return EventType(
        f"liftos.decision.{name}", description, "decisions/{decision_id}", data, Scope.DECISIONS_READ
    )


EVENTS = (
    _type("recorded", "A caller or a workflow recorded a decision.", DecisionRecorded),
    _type("reviewed", "A reviewer gave a verdict.", DecisionReviewed),
    _type("outcome_recorded", "What came of a decision was recorded.", OutcomeRecorded),
    EventType(
        "liftos.calibration.drifted",
        "Confidences left the band that calibration allows; sent when they leave it, not again while they are outside.",
        "decisions/{decision_id}",
        CalibrationDrifted,
        Scope.DECISIONS_READ,
    ),
    _type(
        "overturned", "A decision was overturned; sent beside `liftos.decision.reviewed`.", DecisionReviewed
    ),
)
