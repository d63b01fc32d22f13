"""Starting a run: its row, its steps, its record and its event in one transaction."""

from dataclasses import replace
from typing import Any
from uuid import UUID

from accountability.operations import record
from liftos.kernel.db.jsonb import to_jsonb
from liftos.kernel.db.transactions import raw_cursor
from liftos.kernel.db.viewers import Viewer
from liftos.kernel.errors import InvalidInput, PermissionDenied
from liftos.kernel.functions import find_function
from liftos.kernel.ids import new_id
from liftos.kernel.outbox.operations import emit
from liftos.kernel.telemetry.tracing.context import current_context
from liftos.kernel.telemetry.tracing.tracer import TRACER
from liftos.kernel.tenancy.types import Actor, Principal
from workflows.definition.plan import Plan
from workflows.engine.claims import Claim, claim_within
from workflows.engine.runs import RunInfo, run_viewer
from workflows.engine.statements import INSERT_RUN, INSERT_STEPS
from workflows.step_scopes import child_scopes
from workflows.types import RunStatus

CODE_DIGITS = 16


def run_values(
    *,
    organisation: UUID,
    by: Actor,
    scopes: list[str],
    name: str,
    status: RunStatus,
    decision: UUID,
    run: UUID,
    scope: int,
    viewer: Viewer,
    **more: Any,
) -> dict[str, Any]:
    """Return the parameters of `INSERT_RUN`; `more` are version, parameters, metadata and open_steps."""
    context = current_context()
    return {
        "id": run,
        "organisation": organisation,
        "code": run.hex[-CODE_DIGITS:],
        "name": name,
        "version": more.get("version"),
        "status": str(status),
        "parameters": to_jsonb(more.get("parameters") or {}),
        "metadata": _as_metadata(more.get("metadata") or {}),
        "actor_kind": str(by.kind),
        "actor_id": by.id,
        "on_behalf_of": by.on_behalf_of,
        "scopes": scopes,
        "correlation_id": context.correlation_id,
        "traceparent": TRACER.traceparent() or context.traceparent,
        "open_steps": more.get("open_steps", 0),
        "decision": decision,
        "scope": scope,
        "principal": viewer.principal,
        "groups": viewer.listed_groups,
    }


def _as_metadata(value: dict[str, Any]) -> str:
    try:
        return to_jsonb(value)
    except (TypeError, ValueError) as error:
        raise InvalidInput(f"The metadata can't be stored: {error}.", loc=("metadata",)) from error


def insert_run(
    *,
    principal: Principal,
    plan: Plan,
    version: UUID,
    number: int,
    parameters: dict[str, Any],
    metadata: dict[str, Any],
    claim: bool,
    scope: int,
) -> tuple[RunInfo, Claim | None]:
    """Insert a run of a published version, ready to execute; inside the caller's tenant pipeline.

    Args:
        principal: the starter; the run's steps never get more scopes.
        plan: of the version.
        version: its id.
        number: its number, for the record.
        parameters: bound and checked.
        metadata: passed to functions that declare a `context`.
        claim: claim the first step at once, for a caller that waits.
        scope: who may read the run; its steps see no more than these readers do.

    Returns:
        The run, and the first step's claim.

    Raises:
        PermissionDenied: a step needs a scope that the caller lacks.
    """
    require_scopes(principal, plan)
    organisation, steps = principal.organisation, plan.definition.steps
    run = new_id()
    decision = record(
        organisation=organisation,
        by=principal.actor,
        operation="workflow.run",
        subject=("workflow_run", str(run)),
        reasoning=f"{plan.definition.name}, version {number}, was started with {len(parameters)} parameters: {len(steps)} steps.",
        inputs={"template": plan.definition.name, "version": number, "parameters": sorted(parameters)},
        outputs={"run_id": str(run), "steps": [step.name for step in steps][:100]},
        versions={"template": f"{plan.definition.name}@{number}"},
        scope_id=scope,
    )
    values = run_values(
        organisation=organisation,
        by=principal.actor,
        scopes=sorted(str(scope) for scope in principal.scopes),
        name=plan.definition.name,
        status=RunStatus.RUNNING,
        decision=decision,
        run=run,
        scope=scope,
        viewer=principal.viewer,
        version=version,
        parameters=parameters,
        metadata=metadata,
        open_steps=len(steps),
    )
    raw_cursor().execute(INSERT_RUN, values)
    raw_cursor().execute(
        INSERT_STEPS,
        {
            "organisation": organisation,
            "run": run,
            "scope": scope,
            "ids": [new_id() for _ in steps],
            "names": [step.name for step in steps],
            "functions": [f"{step.function}@{step.version}" if step.function else "" for step in steps],
            "priorities": [int(step.priority) for step in steps],
            "waits": [len(set(step.depends_on)) for step in steps],
        },
    )
    emit(
        organisation=organisation,
        type="liftos.workflow.run.started",
        subject=f"workflows/runs/{run}",
        data={"run_id": str(run), "template": plan.definition.name, "decision_id": str(decision)},
        scope_id=scope,
    )
    info = RunInfo(
        id=run,
        name=plan.definition.name,
        principal=replace(principal, viewer=run_viewer(principal.viewer, scope)),
        parameters=parameters,
        metadata=metadata,
        correlation_id=values["correlation_id"],
        traceparent=values["traceparent"],
        decision=decision,
        plan=plan,
        scope=scope,
    )
    return info, claim_within(organisation=organisation, run=run) if claim else None


def require_scopes(principal: Principal, plan: Plan) -> None:
    """Check that a caller has the scopes of all steps.

    Raises:
        PermissionDenied: the message names the step and the scope.
    """
    for step in plan.definition.steps:
        function = find_function(step.function, step.version)
        own = function.scopes if function is not None else ()
        for scope in dict.fromkeys([*own, *sorted(child_scopes(step))]):
            if not principal.may(scope):
                raise PermissionDenied(
                    f"Step {step.name} calls {step.function}, which needs the scope {scope}."
                )
