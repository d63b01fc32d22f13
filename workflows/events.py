"""The events that workflows emits."""

from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from liftos.kernel.outbox.types import EventType
from liftos.kernel.tenancy.types import Scope


class _Data(BaseModel):
    model_config = ConfigDict(extra="forbid")


class RunStarted(_Data):
    """A run and its template."""

    run_id: UUID
    template: str
    decision_id: UUID


class RunFinished(_Data):
    """A run and its outcome."""

    run_id: UUID
    template: str
    status: Literal["completed", "failed", "cancelled"]
    decision_id: UUID | None = None


class ApprovalWanted(_Data):
    """The step that waits for a person."""

    run_id: UUID
    step: str


def _type(name: str, description: str, data: type[BaseModel]) -> EventType:
    return EventType(
        f"liftos.workflow.run.{name}", description, "workflows/runs/{run_id}", data, Scope.WORKFLOWS_RUN
    )


EVENTS = (
    _type("started", "A run was started.", RunStarted),
    _type("finished", "A run ended; `status` is its outcome.", RunFinished),
    _type("approval_wanted", "A step waits for a person's approval.", ApprovalWanted),
)
