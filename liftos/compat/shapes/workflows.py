"""Wire shapes of the old workflow routes."""

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, RootModel

from liftos.kernel.http.pagination import QueryText
from liftos.kernel.tenancy.types import Principal, Scope
from workflows.engine.visibility import withheld_from, withheld_text
from workflows.models import Run, Step
from workflows.types import NOT_AN_ITEM, StepStatus, workflow_id

TASK_STATUS = {
    StepStatus.WAITING: "pending",
    StepStatus.READY: "pending",
    StepStatus.RUNNING: "running",
    StepStatus.RETRY_WAIT: "running",
    StepStatus.AWAITING_APPROVAL: "paused",
    StepStatus.DONE: "completed",
    StepStatus.FAILED: "failed",
    StepStatus.SKIPPED: "cancelled",
    StepStatus.CANCELLED: "cancelled",
}
"""The contract's task status for each step status."""


class WorkflowName(BaseModel):
    """The name of a new workflow, in the query string."""

    name: QueryText = Field(min_length=1, max_length=200)


class WorkflowMetadata(RootModel[dict[str, Any]]):
    """The contract's body: the metadata itself."""

    model_config = ConfigDict(title="SeedMetadata")


def task_id(workflow: str, position: int, item: int) -> str:
    """Return a step's id in the contract's format: eight hex digits, from its position and its item."""
    return f"task_{workflow}_{position + 1:04x}{item + 1:04x}"


def status_out(principal: Principal, run: Run, steps: Sequence[Step]) -> dict[str, Any]:
    """Render a run for the status route; a step that maps over a list is represented by its items."""
    workflow, withheld = workflow_id(principal.slug, run.code), withheld_from(principal, run, steps)
    mapped = {step.position for step in steps if step.item != NOT_AN_ITEM}
    tasks = {
        task_id(workflow, step.position, step.item): {
            "name": step.name,
            "status": TASK_STATUS[StepStatus(step.status)],
            "execution_time_ms": _milliseconds(step),
            "retry_count": step.retries,
            "error": _error(step, withheld.steps[step.name]),
        }
        for step in steps
        if step.item != NOT_AN_ITEM or step.position not in mapped
    }
    return {
        "workflow_id": workflow,
        "name": run.name,
        "status": run.status,
        "total_execution_time_ms": _milliseconds(run),
        "tasks": tasks,
        "metadata": {} if withheld.run else run.metadata,
    } | ({"withheld": withheld.run} if withheld.run else {})


def _error(step: Step, lacks: Sequence[Scope]) -> str | None:
    if step.error is None:
        return None
    return withheld_text(lacks) if lacks else step.error["message"]


def _milliseconds(what: Run | Step) -> float | None:
    if what.started_at is None or what.finished_at is None:
        return None
    return (what.finished_at - what.started_at).total_seconds() * 1e3
