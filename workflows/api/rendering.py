"""Runs and templates as JSON-ready values."""

from collections.abc import Sequence
from typing import Any

from liftos.kernel.functions import Function
from liftos.kernel.tenancy.types import Principal, Scope
from workflows.api.schemas import FunctionOut, RunLine, RunOut, StepOut, TemplateLine, TemplateOut, VersionOut
from workflows.engine.visibility import withheld_from
from workflows.models import Run, Step, Template, TemplateVersion
from workflows.publishing.credentials import masked
from workflows.types import NOT_AN_ITEM, SEED_TASK_STATUS, StepStatus, VersionStatus


def render_function(function: Function) -> dict[str, Any]:
    """Return a registered function, with the JSON Schema of its arguments."""
    shown = FunctionOut(
        name=function.name,
        version=function.version,
        description=function.description,
        arguments=function.schema.model_json_schema(),
        cacheable=function.cacheable,
        idempotent=function.idempotent,
        outside=function.outside,
        reads=list(function.reads),
        scopes=[str(scope) for scope in function.scopes],
    )
    return shown.model_dump(mode="json")


def current_number(versions: Sequence[TemplateVersion]) -> int | None:
    """Return the number of the newest published version."""
    return max((each.number for each in versions if each.status == VersionStatus.PUBLISHED), default=None)


def render_template(template: Template, versions: Sequence[TemplateVersion]) -> dict[str, Any]:
    """Return a template with its versions, newest first."""
    shown = [
        VersionOut(
            number=each.number,
            status=each.status,
            author=f"{each.author_kind}:{each.author_id}",
            created_at=each.created_at,
            published_by=each.published_by,
            published_at=each.published_at,
            definition=masked(each.definition),
        )
        for each in versions
    ]
    whole = TemplateOut(
        id=template.id,
        name=template.name,
        version=current_number(versions),
        created_at=template.created_at,
        retired_at=template.retired_at,
        versions=shown,
    )
    return whole.model_dump(mode="json")


def render_template_line(template: Template, version: int | None) -> dict[str, Any]:
    """Return a template as it stands in a list."""
    shown = TemplateLine(
        id=template.id,
        name=template.name,
        version=version,
        created_at=template.created_at,
        retired_at=template.retired_at,
    )
    return shown.model_dump(mode="json")


def workflow_id(principal: Principal, run: Run) -> str:
    """Return a run's id in the seed contract's form."""
    return f"wf_{principal.slug}_{run.code}"


def task_id(workflow: str, position: int, item: int) -> str:
    """Return a step's id in the seed contract's form: eight hex digits, its place and its item's."""
    return f"task_{workflow}_{position + 1:04x}{item + 1:04x}"


def render_step(step: Step, lacks: Sequence[Scope] = ()) -> dict[str, Any]:
    """Return a step; its result and what its error says are left out where the reader lacks scopes for them."""
    shown = StepOut(
        name=step.name,
        status=step.status,
        function=step.function,
        priority=step.priority,
        attempts=step.attempt,
        retries=step.retries,
        result=None if lacks else step.result,
        error=_error(step, lacks),
        withheld=list(map(str, lacks)),
        approval=step.approval,
        started_at=step.started_at,
        finished_at=step.finished_at,
        item=None if step.item == NOT_AN_ITEM else step.item,
        decision_id=step.decision_id,
    )
    return shown.model_dump(mode="json")


def _error(step: Step, lacks: Sequence[Scope]) -> dict[str, Any] | None:
    if not lacks or step.error is None:
        return step.error
    return {key: step.error[key] for key in ("type", "code") if key in step.error} | {
        "message": withheld_text(lacks)
    }


def withheld_text(lacks: Sequence[Scope]) -> str:
    """Return what stands in place of a text that is withheld."""
    return f"withheld: needs {', '.join(lacks)}"


def render_run(
    principal: Principal, run: Run, version: TemplateVersion | None, steps: Sequence[Step]
) -> dict[str, Any]:
    """Return a run with its steps, as far as the reader's scopes go."""
    withheld = withheld_from(principal, run, steps)
    same = (
        "id", "status", "name", "created_at", "started_at", "finished_at", "decision_id",
        "correlation_id",
    )  # fmt: skip
    shown = RunOut(
        template=version.template_id if version else None,
        version=version.number if version else None,
        workflow_id=workflow_id(principal, run),
        steps=[],
        parameters={} if withheld.run else run.parameters,
        metadata={} if withheld.run else run.metadata,
        withheld=list(map(str, withheld.run)),
        **{name: getattr(run, name) for name in same},
    ).model_dump(mode="json")
    return shown | {"steps": [render_step(step, withheld.steps[step.name]) for step in steps]}


def render_run_line(principal: Principal, run: Run) -> dict[str, Any]:
    """Return a run as it stands in a list."""
    same = (
        "id", "status", "name", "created_at", "started_at", "finished_at", "open_steps", "failed_steps",
    )  # fmt: skip
    shown = RunLine(workflow_id=workflow_id(principal, run), **{name: getattr(run, name) for name in same})
    return shown.model_dump(mode="json")


def render_seed_status(principal: Principal, run: Run, steps: Sequence[Step]) -> dict[str, Any]:
    """Return a run as the seed's status route tells it; a step that maps over a list is told by its items."""
    workflow, withheld = workflow_id(principal, run), withheld_from(principal, run, steps)
    mapped = {step.position for step in steps if step.item != NOT_AN_ITEM}
    tasks = {
        task_id(workflow, step.position, step.item): {
            "name": step.name,
            "status": SEED_TASK_STATUS[StepStatus(step.status)],
            "execution_time_ms": _milliseconds(step),
            "retry_count": step.retries,
            "error": _told(step, withheld.steps[step.name]),
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


def _told(step: Step, lacks: Sequence[Scope]) -> str | None:
    if step.error is None:
        return None
    return withheld_text(lacks) if lacks else step.error["message"]


def _milliseconds(what: Run | Step) -> float | None:
    if what.started_at is None or what.finished_at is None:
        return None
    return (what.finished_at - what.started_at).total_seconds() * 1e3
