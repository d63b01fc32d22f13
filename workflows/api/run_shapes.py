"""Response shapes of runs and steps."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from liftos.kernel.http.dump import as_json
from liftos.kernel.tenancy.types import Principal, Scope
from workflows.engine.visibility import withheld_from, withheld_text
from workflows.models import Run, Step, TemplateVersion
from workflows.types import NOT_AN_ITEM, workflow_id


class StepOut(BaseModel):
    """A step of a run.

    `withheld` lists the scopes that the caller lacks to read its result and error message. `child_run_id` is the run that it started.
    """

    name: str
    status: str
    function: str
    priority: int
    attempts: int
    retries: int
    result: Any
    error: dict[str, Any] | None
    withheld: list[str]
    approval: dict[str, Any] | None
    started_at: datetime | None
    finished_at: datetime | None
    item: int | None = None
    decision_id: UUID | None
    child_run_id: UUID | None = None


class RunOut(BaseModel):
    """A run with its steps, in the template's order.

    `withheld` lists the scopes that the caller lacks to read its parameters and metadata. `visible_to` says who may read it.
    `parent_run_id` is the run whose step started it.
    """

    id: UUID
    status: str
    name: str
    template: UUID | None
    version: int | None
    workflow_id: str
    parameters: dict[str, Any]
    metadata: dict[str, Any]
    withheld: list[str]
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    decision_id: UUID
    correlation_id: str
    visible_to: str | dict[str, Any]
    parent_run_id: UUID | None
    steps: list[StepOut]


class RunLine(BaseModel):
    """A run in a list."""

    id: UUID
    status: str
    name: str
    workflow_id: str
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    open_steps: int
    failed_steps: int


def render_step(step: Step, lacks: Sequence[Scope] = (), child: UUID | None = None) -> dict[str, Any]:
    """Render a step; without its result and error message if the reader `lacks` scopes for them."""
    return as_json(
        StepOut,
        step,
        attempts=step.attempt,
        result=None if lacks else step.result,
        error=_error(step, lacks),
        withheld=list(map(str, lacks)),
        item=None if step.item == NOT_AN_ITEM else step.item,
        child_run_id=child,
    )


def _error(step: Step, lacks: Sequence[Scope]) -> dict[str, Any] | None:
    if not lacks or step.error is None:
        return step.error
    return {key: step.error[key] for key in ("type", "code") if key in step.error} | {
        "message": withheld_text(lacks)
    }


def render_run(
    principal: Principal,
    run: Run,
    version: TemplateVersion | None,
    steps: Sequence[Step],
    visible_to: str | dict[str, Any],
    children: Mapping[UUID, UUID],
) -> dict[str, Any]:
    """Render a run with its steps, as far as the reader's scopes allow.

    Args:
        principal: the reader.
        run: the run.
        version: that it follows.
        steps: of it.
        visible_to: who may read it.
        children: the runs that its steps started, by step.
    """
    withheld = withheld_from(principal, run, steps)
    shown = as_json(
        RunOut,
        run,
        template=version.template_id if version else None,
        version=version.number if version else None,
        workflow_id=workflow_id(principal.slug, run.code),
        steps=[],
        visible_to=visible_to,
        parent_run_id=run.parent_id,
        parameters={} if withheld.run else run.parameters,
        metadata={} if withheld.run else run.metadata,
        withheld=list(map(str, withheld.run)),
    )
    return shown | {
        "steps": [render_step(step, withheld.steps[step.name], children.get(step.id)) for step in steps]
    }


def render_run_line(principal: Principal, run: Run) -> dict[str, Any]:
    """Render a run for a list."""
    return as_json(RunLine, run, workflow_id=workflow_id(principal.slug, run.code))
