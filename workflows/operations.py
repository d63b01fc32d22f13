"""Starting runs, and opening empty ones."""

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from accountability.operations import record
from liftos.kernel.db.transactions import raw_cursor, tenant_pipeline, tenant_transaction
from liftos.kernel.db.viewers import seeing_everything
from liftos.kernel.ids import new_id
from liftos.kernel.jobs import send_hint
from liftos.kernel.telemetry.manager import observe_operation
from liftos.kernel.tenancy.authority import viewer_now
from liftos.kernel.tenancy.types import Principal
from memory.types import VisibleTo
from memory.visibility import scope_of
from workflows import queries
from workflows.definition import bind_parameters
from workflows.engine.carriers import CARRIERS
from workflows.engine.runs import load_plan, scope_of_start
from workflows.engine.starting import INSERT_RUN, insert_run, run_values
from workflows.engine.waiting import WORK, wait_for
from workflows.publishing.shipped import NAMES as SHIPPED
from workflows.publishing.shipped import publish_shipped
from workflows.types import RunStatus

# workers woken for a run's first steps; a worker that ends a step claims the next by itself
MAX_HINTS = 10


def start(
    *,
    principal: Principal,
    template: str,
    parameters: Mapping[str, Any] | None,
    metadata: Mapping[str, Any] | None = None,
    version: int | None = None,
    wait: float = 0.0,
    keep_executing: bool = False,
    hint: bool = True,
    visible_to: VisibleTo | None = None,
) -> UUID:
    """Start a run of a template's newest published version; return the run's id.

    Args:
        principal: the starter. Steps run as this actor, with at most its scopes.
        template: name or id; a shipped template is published into the organisation on first use.
        parameters: checked against the template's parameter schema.
        metadata: passed to functions that declare a `context`.
        version: number of a published version; None for the newest.
        wait: seconds to wait for the run to end; meanwhile this process also executes its steps. See `wait_for`.
        keep_executing: continue executing steps in this process after that time.
        hint: wake a worker for every first step; without it, for all but one.
        visible_to: who may read the run; the starter's principal alone when left out. Its steps see no more than these do.

    Raises:
        TemplateNotFound, TemplateRetired, NotPublished: there is no version to run.
        Faulty: a parameter is missing, unknown or of the wrong type; nothing is written.
        PermissionDenied: a step needs a scope that the caller lacks.
        NotVisible: `visible_to` names nobody, or the caller would not see the run.
    """
    organisation = principal.organisation
    scope = scope_of_start(principal.viewer)
    if visible_to is not None:
        scope = scope_of(organisation, visible_to)
        # the scope may have been made just now
        viewer = viewer_now(
            organisation=organisation,
            actor=principal.actor,
            principal=principal.viewer.principal,
            groups=principal.viewer.groups,
        )
        principal = replace(principal, viewer=viewer)
    if template in SHIPPED:
        publish_shipped(organisation=organisation, by=principal.actor, name=template)
    with observe_operation("workflow.run", organisation=str(organisation)) as span, ExitStack() as undo:
        visible = not connection.in_atomic_block
        carrier = CARRIERS.reserve() if wait > 0 and visible else None
        if carrier is not None:
            undo.callback(carrier.release)
        # the organisation's concurrency limit counts everybody's steps
        with seeing_everything(), tenant_pipeline(organisation):
            version_id, number = queries.find_version(
                organisation=organisation, name=template, number=version, others=SHIPPED
            )
            plan = load_plan(organisation, version_id)
            bound = bind_parameters(plan.definition, parameters)
            info, claim = insert_run(
                principal=principal,
                plan=plan,
                version=version_id,
                number=number,
                parameters=bound,
                metadata=dict(metadata or {}),
                scope=scope,
                claim=wait > 0 and (carrier is not None or not visible),
            )
            roots = sum(not step.depends_on for step in plan.definition.steps)
            for _ in range(min(roots - (0 if hint and claim is None else 1), MAX_HINTS)):
                transaction.on_commit(lambda: send_hint(WORK, organisation))
        span.set_tag("run_id", str(info.id))
        undo.pop_all()
        if wait > 0:
            wait_for(
                organisation=organisation,
                run=info.id,
                seconds=wait,
                first=claim,
                carrier=carrier,
                info=info,
                keep_executing=keep_executing,
            )
    return info.id


def open_run(*, principal: Principal, name: str, metadata: Mapping[str, Any]) -> UUID:
    """Open a run without steps, as the old platform's `/workflows/create` does; return its id."""
    organisation, run = principal.organisation, new_id()
    scope = scope_of_start(principal.viewer)
    with (
        observe_operation("workflow.create", organisation=str(organisation)),
        tenant_transaction(organisation),
    ):
        decision = record(
            organisation=organisation,
            by=principal.actor,
            operation="workflow.create",
            subject=("workflow_run", str(run)),
            reasoning=f"Workflow {name[:200]} was opened, without steps.",
            inputs={"name": name[:200], "metadata": sorted(metadata)[:100]},
            scope_id=scope,
        )
        values = run_values(
            organisation=organisation,
            by=principal.actor,
            scopes=[],
            name=name,
            status=RunStatus.PENDING,
            decision=decision,
            run=run,
            scope=scope,
            viewer=principal.viewer,
            metadata=dict(metadata),
        )
        raw_cursor().execute(INSERT_RUN, values)
    return run
