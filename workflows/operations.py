"""What callers do with runs: start them, wait for them, open an empty one."""

from collections.abc import Mapping
from dataclasses import dataclass
from time import monotonic, sleep
from typing import Any
from uuid import UUID

from django.db import transaction

from accountability.operations import record
from liftos.db import raw_cursor, tenant_transaction
from liftos.ids import new_id
from liftos.jobs import send_hint
from liftos.observability.manager import observe_operation
from liftos.tenancy.types import Principal
from workflows import queries
from workflows.definition import bind_parameters
from workflows.engine.claims import Claim
from workflows.engine.reaper import make_due_ready
from workflows.engine.runs import plan_of
from workflows.engine.starting import INSERT_RUN, insert_run, run_values
from workflows.engine.work import work
from workflows.types import RunStatus

WORK = "workflows.work"
# of a run's first steps, for how many a worker is woken at once; each that ends a step takes the next by itself
MAX_HINTS = 10
_POLL = (0.005, 0.01, 0.02, 0.05)


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
    hint: bool = True,
) -> Started:
    """Start a run of a template's newest published version.

    Args:
        principal: who starts it. Its steps run as this actor and may do no more.
        template: its name, or its id.
        parameters: of the run, checked against the template's.
        metadata: carried along; functions that declare a `context` are handed it.
        version: an earlier published one.
        wait: seconds for which this thread carries the run's steps out itself, before it leaves the rest to workers; 0 for none.
        hint: wake workers; a caller who will carry the run out itself does without.

    Raises:
        TemplateNotFound, TemplateRetired, NotPublished: there is nothing to run.
        Faulty: a parameter is missing, surplus or of the wrong kind; nothing is left behind.
        PermissionDenied: a step does what the caller may not.
    """
    organisation = principal.organisation
    with observe_operation("workflow.run", organisation=str(organisation)) as span:
        with tenant_transaction(organisation):
            row = queries.find_template(organisation=organisation, name=template)
            chosen = queries.published_version(organisation=organisation, template=row, number=version)
        plan = plan_of(organisation, chosen.id)
        bound = bind_parameters(plan.definition, parameters)
        run, decision, claim = insert_run(
            principal=principal,
            plan=plan,
            version=chosen.id,
            number=chosen.number,
            parameters=bound,
            metadata=dict(metadata or {}),
            claim=wait > 0,
        )
        span.set_tag("run_id", str(run))
        roots = sum(not step.depends_on for step in plan.definition.steps)
        # inside a caller's larger transaction the hint must not come before the run does
        for _ in range(min(roots - (0 if hint and claim is None else 1), MAX_HINTS)):
            transaction.on_commit(lambda: send_hint(WORK, organisation))
        if wait > 0:
            wait_for(organisation=organisation, run=run, seconds=wait, first=claim)
    return Started(run, decision)


def wait_for(*, organisation: UUID, run: UUID, seconds: float, first: Claim | None = None) -> RunStatus:
    """Carry a run's steps out in this thread, and wait for those that others have, until it ends or time is up.

    Args:
        organisation: whose.
        run: which.
        seconds: how long at most; a step that is being carried out is carried out to its end.
        first: a claim that this thread has already.

    Returns:
        The run's status.
    """
    end, idle = monotonic() + seconds, 0
    while True:
        done, _ = work(
            organisation=organisation,
            run=run,
            first=first,
            seconds=max(0.0, end - monotonic()),
            steps=1_000_000,
        )
        first = None
        with tenant_transaction(organisation):
            status, busy = _progress(organisation, run)
            if status is RunStatus.RUNNING:
                make_due_ready(organisation=organisation)
        # a run that waits for a person, or is paused, won't end by waiting for it here
        if status is not RunStatus.RUNNING or monotonic() >= end or not busy:
            return status
        idle = 0 if done else idle + 1
        sleep(_POLL[min(idle, len(_POLL) - 1)])


_PROGRESS = """
SELECT r.status, EXISTS (
    SELECT 1 FROM workflows_step AS s WHERE s.organisation_id = r.organisation_id AND s.run_id = r.id
      AND (s.token IS NOT NULL OR s.status IN ('ready', 'retry_wait'))
) FROM workflows_run AS r WHERE r.organisation_id = %s AND r.id = %s
"""


def _progress(organisation: UUID, run: UUID) -> tuple[RunStatus, bool]:
    row = raw_cursor().execute(_PROGRESS, (organisation, run)).fetchone()
    if row is None:
        return RunStatus.CANCELLED, False
    return RunStatus(row[0]), bool(row[1])


def open_run(*, principal: Principal, name: str, metadata: Mapping[str, Any]) -> UUID:
    """Open a run that has no steps yet, as the seed's `/workflows/create` does; return its id."""
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
