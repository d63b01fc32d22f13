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


def _type(name: str, description: str, data: type[BaseModel]) -> EventType:
    return EventType(
        f"liftos.decision.{name}", description, "decisions/{decision_id}", data, Scope.DECISIONS_READ
    )


EVENTS = (
    _type("recorded", "A caller or a workflow recorded a decision.", DecisionRecorded),
    _type("reviewed", "A reviewer gave a verdict.", DecisionReviewed),
    _type(
        "overturned", "A decision was overturned; sent beside `liftos.decision.reviewed`.", DecisionReviewed
    ),
)
