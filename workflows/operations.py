"""What callers do with runs: start them, wait for them, open an empty one."""

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction

from accountability.operations import record
from liftos.kernel.db.transactions import raw_cursor, tenant_pipeline, tenant_transaction
from liftos.kernel.ids import new_id
from liftos.kernel.jobs import send_hint
from liftos.kernel.telemetry.manager import observe_operation
from liftos.kernel.tenancy.types import Principal
from workflows import queries
from workflows.definition import bind_parameters
from workflows.engine.carriers import CARRIERS
from workflows.engine.runs import plan_of
from workflows.engine.starting import INSERT_RUN, insert_run, run_values
from workflows.engine.waiting import WORK, can_wait_here, wait_for
from workflows.publishing.shipped import NAMES as SHIPPED
from workflows.publishing.shipped import publish_shipped
from workflows.types import RunStatus

# of a run's first steps, for how many a worker is woken at once; each that ends a step takes the next by itself
MAX_HINTS = 10


@dataclass(frozen=True, slots=True)
class Started:
    """A run that was started: its id, and its decision's."""

    id: UUID
    decision: UUID


def start(
    *,
    principal: Principal,
    template: str,
    parameters: Mapping[str, Any] | None,
    metadata: Mapping[str, Any] | None = None,
    version: int | None = None,
    wait: float = 0.0,
    go_on: bool = False,
    hint: bool = True,
) -> Started:
    """Start a run of a template's newest published version.

    Args:
        principal: who starts it. Its steps run as this actor and may do no more.
        template: its name, or its id; of one that comes with the product, the organisation's copy is published at need.
        parameters: of the run, checked against the template's.
        metadata: carried along; functions that declare a `context` are handed it.
        version: an earlier published one.
        wait: seconds to wait for the run's end; meanwhile this process carries its steps out too. See `wait_for`.
        go_on: this process carries steps out after that time too.
        hint: wake a worker for each first step; a caller who waits by itself does without the first.

    Raises:
        TemplateNotFound, TemplateRetired, NotPublished: there is nothing to run.
        Faulty: a parameter is missing, surplus or of the wrong kind; nothing is left behind.
        PermissionDenied: a step does what the caller may not.
    """
    organisation = principal.organisation
    if template in SHIPPED:
        publish_shipped(organisation=organisation, by=principal.actor, name=template)
    with observe_operation("workflow.run", organisation=str(organisation)) as span, ExitStack() as undo:
        others_see = can_wait_here()
        carrier = CARRIERS.reserve() if wait > 0 and others_see else None
        if carrier is not None:
            undo.callback(carrier.release)
        with tenant_pipeline(organisation):
            chosen = queries.find_version(
                organisation=organisation, name=template, number=version, others=SHIPPED
            )
            plan = plan_of(organisation, chosen.id)
            bound = bind_parameters(plan.definition, parameters)
            info, claim = insert_run(
                principal=principal,
                plan=plan,
                version=chosen.id,
                number=chosen.number,
                parameters=bound,
                metadata=dict(metadata or {}),
                claim=wait > 0 and (carrier is not None or not others_see),
            )
            roots = sum(not step.depends_on for step in plan.definition.steps)
            for _ in range(min(roots - (0 if hint and claim is None else 1), MAX_HINTS)):
                transaction.on_commit(lambda: send_hint(WORK, organisation))
        span.set_tag("run_id", str(info.id))
        undo.pop_all()
        if wait > 0:
            wait_for(
                organisation=organisation, run=info.id, seconds=wait, first=claim, carrier=carrier, info=info, go_on=go_on
            )  # fmt: skip
    return Started(info.id, info.decision)


def open_run(*, principal: Principal, name: str, metadata: Mapping[str, Any]) -> UUID:
    """Open a run that has no steps yet, as the old platform's `/workflows/create` does; return its id."""
    organisation, run = principal.organisation, new_id()
    with (
        observe_operation("workflow.create", organisation=str(organisation)),
        tenant_transaction(organisation),
    ):
        decision = record(
            organisation=organisation,
            by=principal.actor,
            operation="workflow.create",
            subject=("workflow_run", str(run)),
            reasoning=f"A workflow of the name {name[:200]} was opened, without steps.",
            inputs={"name": name[:200], "metadata": sorted(metadata)[:100]},
        )
        values = run_values(
            organisation=organisation,
            by=principal.actor,
            scopes=[],
            name=name,
            status=RunStatus.PENDING,
            decision=decision,
            run=run,
            metadata=dict(metadata),
        )
        raw_cursor().execute(INSERT_RUN, values)
    return run
