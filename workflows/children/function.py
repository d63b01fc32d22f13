"""`workflow.run`: a step that starts a run and waits for it."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from pydantic import Field

from liftos.kernel.db.transactions import raw_cursor, read_column, seeing_everything_here
from liftos.kernel.errors import Conflict
from liftos.kernel.functions import Call, Waiting, register
from liftos.kernel.http.strict import Strict
from liftos.kernel.jobs import send_hint
from liftos.kernel.tenancy.types import Scope
from workflows.children.statements import ADOPT, CHILD_OF_STEP, MENTIONED, PARENT
from workflows.definition import bind_parameters
from workflows.engine.endings import lock_run
from workflows.engine.runs import load_plan
from workflows.engine.starting import insert_run
from workflows.errors import Fenced
from workflows.models import Run, Step
from workflows.operations import MAX_HINTS, WORK
from workflows.publishing.children import CHILD
from workflows.queries import find_version, list_steps
from workflows.types import ENDED_RUN, NOT_AN_ITEM, RunStatus, StepStatus


class ChildFailed(Conflict):
    """The run that the step started failed or was cancelled."""


class OutsideARun(Conflict):
    """Only a run's step can start a run and wait for it."""


class TooDeep(Conflict):
    """Runs started by runs are nested too deep."""


class ChildArguments(Strict):
    """The template to run, the number of its version (the newest when the template with this step is published), and its parameters."""

    template: str = Field(min_length=1, max_length=200)
    version: int | None = Field(default=None, ge=1, le=2**31 - 1)
    parameters: dict[str, Any] = Field(default_factory=dict)


def _mentioned(result: Any) -> Iterable[UUID]:
    return map(UUID, result["memory_ids"])


@register(CHILD, schema=ChildArguments, scopes=[Scope.WORKFLOWS_RUN], mentions=_mentioned)
def run_child(call: Call, arguments: ChildArguments) -> Any:
    """Start a run of a published template and wait for it; returns `{run_id, results, memory_ids}`, results by step."""
    organisation = call.organisation
    if call.run is None or call.step is None:
        raise OutsideARun
    # locked before the child is read: if it ends now, the step is woken after this transaction
    lock_run(organisation, call.run)
    found = raw_cursor().execute(CHILD_OF_STEP, [organisation, call.run, call.step]).fetchone()
    if found is None:
        return Waiting(f"it waits for run {_start(call, arguments, call.run)}")
    child, status = found
    if status not in ENDED_RUN:
        return Waiting(f"it waits for run {child}")
    row = Run.objects.get(organisation_id=organisation, id=child)
    steps = [each for each in list_steps(run=row) if each.item == NOT_AN_ITEM]
    if status != RunStatus.COMPLETED:
        raise ChildFailed(_why(row, steps))
    return {
        "run_id": str(child),
        "results": {each.name: each.result for each in steps if each.status == StepStatus.DONE},
        "memory_ids": list(map(str, read_column(MENTIONED, [organisation, child]))),
    }


def _start(call: Call, arguments: ChildArguments, parent: UUID) -> UUID:
    organisation = call.organisation
    row = raw_cursor().execute(PARENT, [organisation, parent]).fetchone()
    if row is None:
        raise Fenced
    depth, scope, parties = row
    most = int(settings.LIFTOS_WORKFLOW_MAX_DEPTH)
    if depth >= most:
        raise TooDeep(f"Runs are nested at most {most} deep (LIFTOS_WORKFLOW_MAX_DEPTH).")
    with seeing_everything_here():
        version, number = find_version(
            organisation=organisation, name=arguments.template, number=arguments.version
        )
        plan = load_plan(organisation, version)
        info, _ = insert_run(
            principal=call.principal,
            plan=plan,
            version=version,
            number=number,
            parameters=bind_parameters(plan.definition, arguments.parameters),
            metadata=dict(call.context),
            claim=False,
            scope=scope,
        )
        raw_cursor().execute(ADOPT, [parent, call.step, depth + 1, parties, organisation, info.id])
    roots = sum(not step.depends_on for step in plan.definition.steps)
    for _ in range(min(roots, MAX_HINTS)):
        transaction.on_commit(lambda: send_hint(WORK, organisation))
    return info.id


def _why(row: Run, steps: list[Step]) -> str:
    failed = next((each for each in steps if each.status == StepStatus.FAILED), None)
    at = f" at step {failed.name}: {(failed.error or {}).get('message', '')}" if failed is not None else ""
    return f"Run {row.id} of {row.name} {'was cancelled' if row.status == RunStatus.CANCELLED else 'failed'}{at}"[
        :400
    ]
