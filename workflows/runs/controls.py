"""Controls of a run: cancel, pause, resume, rerun, approve a step.

Each locks the run's row first, as ending a step does, and writes a decision record.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any
from uuid import UUID

from django.db import transaction

from accountability.operations import record
from accountability.reviews.states import is_same_party
from accountability.types import RiskClass
from liftos.kernel.db.rows import one_or
from liftos.kernel.db.transactions import raw_cursor, read_column, tenant_transaction
from liftos.kernel.jobs import send_hint
from liftos.kernel.outbox.operations import emit
from liftos.kernel.telemetry.manager import observe_operation
from liftos.kernel.tenancy.authority import missing_scopes, scopes_now
from liftos.kernel.tenancy.parties import with_principals
from liftos.kernel.tenancy.types import Actor, ActorKind, Scope
from workflows.children.statements import CHILDREN
from workflows.engine.authority import scopes_of_plan
from workflows.engine.claims import Claim
from workflows.engine.endings import end_step, record_transition
from workflows.engine.machine import StepRefused, describe
from workflows.engine.runs import load_plan, load_run, read_parties
from workflows.errors import OwnRun, ScopeMissing, StateForbids, StepNotFound
from workflows.models import Run, Step
from workflows.operations import MAX_HINTS, WORK
from workflows.queries import get_run
from workflows.runs import statements as sql
from workflows.types import NOT_AN_ITEM, RunStatus, StepStatus

R = RunStatus


@contextmanager
def _locked(organisation: UUID, run: UUID, verb: str, allowed: tuple[RunStatus, ...]) -> Iterator[Run]:
    with (
        observe_operation(f"workflow.{verb}", organisation=str(organisation)),
        tenant_transaction(organisation),
    ):
        row = get_run(organisation=organisation, run=run, lock=True)
        if row.status not in allowed:
            raise StateForbids(f"A {row.status} run can't be {_DONE[verb]}.")
        yield row


_DONE = {
    "cancel": "cancelled", "pause": "paused", "resume": "resumed", "rerun": "rerun", "approve": "approved",
}  # fmt: skip


def cancel(*, organisation: UUID, by: Actor, run: UUID, reason: str = "") -> Run:
    """Cancel a run and all its steps that have not ended. Uncommitted work of running steps is rolled back.

    Raises:
        RunNotFound: there is none in this organisation.
        StateForbids: it has ended.
    """
    with _locked(organisation, run, "cancel", (R.PENDING, R.RUNNING, R.PAUSED)) as row:
        stopped = _count(sql.CANCEL_STEPS, row, reason)
        _set_status(row, R.CANCELLED, reason)
        _record(
            row,
            by,
            "workflow.cancel",
            f"{stopped} open steps were cancelled. {reason}",
            {"steps": stopped},
        )
        emit(
            organisation=organisation,
            type="liftos.workflow.run.finished",
            subject=f"workflows/runs/{run}",
            data={"run_id": str(run), "template": row.name, "status": "cancelled"},
            scope_id=row.scope_id,
        )
        _for_children(row, by, cancel, (R.PENDING, R.RUNNING, R.PAUSED), "cancelled")
    return row


def pause(*, organisation: UUID, by: Actor, run: UUID, reason: str = "") -> Run:
    """Pause a run: running steps finish, no further step starts.

    Raises:
        RunNotFound: there is none in this organisation.
        StateForbids: it is not running.
    """
    with _locked(organisation, run, "pause", (R.RUNNING,)) as row:
        held = _count(sql.HOLD_STEPS, row, reason)
        _set_status(row, R.PAUSED, reason)
        _record(row, by, "workflow.pause", f"{held} steps wait. {reason}", {"steps": held})
        _for_children(row, by, pause, (R.RUNNING,), "paused")
    return row


def resume(*, organisation: UUID, by: Actor, run: UUID, reason: str = "") -> Run:
    """Resume a paused run.

    Raises:
        RunNotFound: there is none in this organisation.
        StateForbids: it is not paused.
        ScopeMissing: a step needs a scope that this party lacks.
    """
    with _locked(organisation, run, "resume", (R.PAUSED,)) as row:
        require_scopes_of(row, by)
        _add_party(row, by)
        _set_status(row, R.RUNNING, reason)
        ready = _ready(row, reason)
        _record(row, by, "workflow.resume", f"{ready} steps became ready. {reason}", {"steps": ready})
        _for_children(row, by, resume, (R.PAUSED,), "resumed")
    return row


def rerun(*, organisation: UUID, by: Actor, run: UUID, reason: str = "") -> Run:
    """Rerun a failed or cancelled run: completed steps keep their results, the others start again.

    Raises:
        RunNotFound: there is none in this organisation.
        StateForbids: it is neither failed nor cancelled.
        ScopeMissing: a step needs a scope that this party lacks.
    """
    with _locked(organisation, run, "rerun", (R.FAILED, R.CANCELLED)) as row:
        if row.version_id is None:
            raise StateForbids("A run without a template has nothing to rerun.")
        require_scopes_of(row, by)
        _add_party(row, by)
        plan = load_plan(organisation, row.version_id)
        settled = _reset(row)
        waits = {
            name: sum(needed not in settled for needed in set(step.depends_on))
            for name, step in plan.steps.items()
            if name not in settled
        }
        values = _values(row, reason) | {"names": list(waits), "waits": list(waits.values())}
        raw_cursor().execute(
            sql.SET_WAITS, {key: values[key] for key in ("organisation", "run", "names", "waits")}
        )
        row.open_steps, row.failed_steps = len(waits), 0
        row.save(update_fields=["open_steps", "failed_steps"])
        _set_status(row, R.RUNNING, reason)
        ready = _ready(row, reason)
        _record(
            row, by, "workflow.rerun", f"{len(waits)} steps run again, {len(settled)} keep their results. {reason}",
            {"steps": len(waits), "ready": ready},
        )  # fmt: skip
        # before their steps are claimed, which then wait for them again
        _for_children(row, by, rerun, (R.FAILED, R.CANCELLED), "rerun")
    return row


def approve(
    *, organisation: UUID, by: Actor, run: UUID, step: str, approved: bool = True, reason: str = ""
) -> Run:
    """Approve a step that awaits approval, or refuse it: a refused step fails, and its dependents are skipped.

    Args:
        organisation: the tenant.
        by: who decides.
        run: its id.
        step: its name.
        approved: False to refuse.
        reason: free text.

    Raises:
        RunNotFound: there is none in this organisation.
        StepNotFound: the run has no such step.
        StateForbids: the step does not await approval, or the run has ended.
        ScopeMissing: a step needs a scope that this party lacks.
        OwnRun: this party started, resumed or reran the run; it may refuse the step but not approve it.
    """
    with _locked(organisation, run, "approve", (R.RUNNING, R.PAUSED)) as row:
        steps = Step.objects.filter(organisation_id=organisation, run=row, name=step, item=NOT_AN_ITEM)
        found = one_or(StepNotFound(loc=("step",)), steps)
        if found.status != StepStatus.AWAITING_APPROVAL:
            raise StateForbids(f"Step {step} is {found.status}; it does not await approval.")
        approval = {
            "by": f"{by.kind}:{by.id}",
            "on_behalf_of": by.on_behalf_of,
            "approved": approved,
            "reason": reason,
        }
        require_scopes_of(row, by)
        reviewer, *parties = with_principals(organisation, [by, *parties_of(row)])
        if approved and any(is_same_party(reviewer, party) for party in parties):
            raise OwnRun
        values = _values(row, reason) | {"step": found.id, "approval": json.dumps(approval)}
        raw_cursor().execute(sql.DECIDE, {key: values[key] for key in ("organisation", "step", "approval")})
        verb = "approved" if approved else "refused"
        _record(
            row, by, "workflow.approve", f"Step {step} was {verb}. {reason}",
            {"step": step, "approved": approved, "second_person": approved, "run_by": [f"{each.kind}:{each.id}" for each in parties_of(row)]},
            risk=RiskClass.LIMITED,
        )  # fmt: skip
        if approved:
            _count(sql.LET_GO, row, f"{verb}: {reason}", step=found.id)
            transaction.on_commit(lambda: send_hint(WORK, organisation))
        else:
            _refuse(row, found, reason or "refused")
        row.refresh_from_db()
    return row


def _for_children(
    row: Run, by: Actor, control: Callable[..., Run], statuses: tuple[RunStatus, ...], verb: str
) -> None:
    """Do to a run's children what was done to it. One that has ended meanwhile is left alone."""
    values = [row.organisation_id, row.id, [str(each) for each in statuses]]
    for child in read_column(CHILDREN, values):
        with suppress(StateForbids):
            control(organisation=row.organisation_id, by=by, run=child, reason=f"run {row.id} was {verb}")


def parties_of(row: Run) -> list[Actor]:
    """Return the parties to a run: its starter, and everybody who resumed or reran it."""
    starter = Actor(ActorKind(row.actor_kind), row.actor_id, row.on_behalf_of)
    return [starter, *read_parties(row.parties)]


def require_scopes_of(row: Run, by: Actor) -> None:
    """Check that a party currently has all scopes that the run's steps need.

    Raises:
        ScopeMissing: the message names the first missing scope.
    """
    if row.version_id is None:
        return
    needed = scopes_of_plan(load_plan(row.organisation_id, row.version_id)) | {Scope.WORKFLOWS_RUN}
    missing = missing_scopes(needed, scopes_now(organisation=row.organisation_id, actor=by))
    if missing:
        raise ScopeMissing(f"This run's steps need the scope {missing[0]}.")


def _add_party(row: Run, by: Actor) -> None:
    """Add who resumed or reran the run to its parties, whose scopes limit its steps."""
    party = {"kind": str(by.kind), "id": by.id, "on_behalf_of": by.on_behalf_of}
    row.parties = [*(each for each in row.parties if each != party), party]
    row.save(update_fields=["parties"])


def _refuse(row: Run, step: Step, reason: str) -> None:
    # put the step back to running without a claim, so that it ends like any other failure
    raw_cursor().execute(sql.TAKE_UP, {"organisation": row.organisation_id, "step": step.id})
    info = load_run(organisation=row.organisation_id, run=row.id)
    claim = Claim(
        row.organisation_id, row.id, step.id, step.name, NOT_AN_ITEM, step.function, step.attempt, None
    )
    kept = describe(StepRefused(reason))
    decision = record_transition(
        claim, info, StepStatus.FAILED, f"a person refused it ({reason})", {"error": kept}
    )
    end_step(claim, info, StepStatus.FAILED, decision=decision, error=kept, reason=reason)


def _reset(row: Run) -> set[str]:
    """Reset failed, cancelled and skipped steps; return the names of the steps that keep their results."""
    values = _values(row, "run again")
    raw_cursor().execute(sql.RESET_ITEMS, values)
    raw_cursor().execute(sql.RESET_STEPS, values)
    rows = raw_cursor().execute(sql.SETTLED, (row.organisation_id, row.id)).fetchall()
    return {name for (name,) in rows}


def _ready(row: Run, reason: str) -> int:
    """Make all unblocked steps ready, a map's items up to its limit, and wake workers; return their number."""
    ready = _count(sql.READY_STEPS, row, reason)
    if row.version_id is not None:
        steps = load_plan(row.organisation_id, row.version_id).steps
        maps = [step for step in steps.values() if step.map is not None]
        for step in maps:
            ready += _count(sql.READY_ITEMS, row, reason, name=step.name, limit=step.map_limit)
    organisation = row.organisation_id
    for _ in range(min(ready, MAX_HINTS)):
        transaction.on_commit(lambda: send_hint(WORK, organisation))
    return ready


def _set_status(row: Run, status: RunStatus, reason: str) -> None:
    values = _values(row, reason) | {"before": row.status, "status": str(status)}
    raw_cursor().execute(sql.SET_STATUS, values)
    row.refresh_from_db()


def _count(statement: str, row: Run, reason: str, **more: Any) -> int:
    found = raw_cursor().execute(statement, _values(row, reason) | more).fetchone()
    return int(found[0]) if found else 0


def _values(row: Run, reason: str) -> dict[str, Any]:
    return {"organisation": row.organisation_id, "run": row.id, "reason": reason[:500]}


def _record(
    row: Run,
    by: Actor,
    operation: str,
    what: str,
    outputs: dict[str, Any],
    *,
    risk: RiskClass = RiskClass.MINIMAL,
) -> None:
    record(
        organisation=row.organisation_id,
        by=by,
        operation=operation,
        risk_class=risk,
        subject=("workflow_run", str(row.id)),
        reasoning=f"{row.name}: {what}".strip(),
        outputs=outputs | {"status": row.status},
        parents=[row.decision_id],
        scope_id=row.scope_id,
    )
