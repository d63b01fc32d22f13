"""What people and callers do to a run: cancel, pause, resume, run again from what failed, approve a step.

Each locks the run's row first, as everything that ends a step does, and is on record.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from django.db import transaction

from accountability.operations import record
from accountability.reviews.states import is_same_party
from accountability.types import RiskClass
from liftos.kernel.db.transactions import raw_cursor, tenant_transaction
from liftos.kernel.jobs import send_hint
from liftos.kernel.outbox.operations import emit
from liftos.kernel.telemetry.manager import observe_operation
from liftos.kernel.tenancy.authority import missing_scopes, scopes_now
from liftos.kernel.tenancy.types import Actor, ActorKind, Scope
from workflows.engine.authority import scopes_of_plan
from workflows.engine.claims import Claim
from workflows.engine.endings import end_step, put_on_record
from workflows.engine.machine import StepRefused, describe
from workflows.engine.runs import load_run, plan_of, read_parties
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
            raise StateForbids(f"A run that is {row.status} can't be {_DONE[verb]}.")
        yield row


_DONE = {
    "cancel": "cancelled", "pause": "paused", "resume": "resumed", "rerun": "run again", "approve": "approved",
}  # fmt: skip


def cancel(*, organisation: UUID, by: Actor, run: UUID, reason: str = "") -> Run:
    """End a run: what has not ended is cancelled. What a step is doing at this moment in the database is undone.

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
            f"{stopped} steps that had not ended were cancelled. {reason}",
            {"steps": stopped},
        )
        emit(
            organisation=organisation,
            type="liftos.workflow.cancelled",
            subject=f"workflows/runs/{run}",
            data={"run_id": str(run), "status": "cancelled"},
        )
    return row


def pause(*, organisation: UUID, by: Actor, run: UUID, reason: str = "") -> Run:
    """Hold a run: steps that are being carried out go on to their end, no other begins.

    Raises:
        RunNotFound: there is none in this organisation.
        StateForbids: it is not running.
    """
    with _locked(organisation, run, "pause", (R.RUNNING,)) as row:
        held = _count(sql.HOLD_STEPS, row, reason)
        _set_status(row, R.PAUSED, reason)
        _record(row, by, "workflow.pause", f"{held} steps wait. {reason}", {"steps": held})
    return row


def resume(*, organisation: UUID, by: Actor, run: UUID, reason: str = "") -> Run:
    """Let a paused run go on.

    Raises:
        RunNotFound: there is none in this organisation.
        StateForbids: it is not paused.
        ScopeMissing: a step needs what this party may not do.
    """
    with _locked(organisation, run, "resume", (R.PAUSED,)) as row:
        require_scopes_of(row, by)
        _carry_on(row, by)
        _set_status(row, R.RUNNING, reason)
        ready = _ready(row, reason)
        _record(row, by, "workflow.resume", f"{ready} steps became ready. {reason}", {"steps": ready})
    return row


def rerun(*, organisation: UUID, by: Actor, run: UUID, reason: str = "") -> Run:
    """Carry a run on from where it failed or was cancelled: what is done stays done, what failed begins anew.

    Raises:
        RunNotFound: there is none in this organisation.
        StateForbids: it has not failed, and was not cancelled.
        ScopeMissing: a step needs what this party may not do.
    """
    with _locked(organisation, run, "rerun", (R.FAILED, R.CANCELLED)) as row:
        if row.version_id is None:
            raise StateForbids("A run without a template has nothing to run again.")
        require_scopes_of(row, by)
        _carry_on(row, by)
        plan = plan_of(organisation, row.version_id)
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
            row, by, "workflow.rerun", f"{len(waits)} steps begin anew, {len(settled)} stay as they ended. {reason}",
            {"steps": len(waits), "ready": ready},
        )  # fmt: skip
    return row


def approve(
    *, organisation: UUID, by: Actor, run: UUID, step: str, approved: bool = True, reason: str = ""
) -> Run:
    """Let a step go on that waits for a person, or refuse it: then it fails, and what depends on it is skipped.

    Args:
        organisation: whose.
        by: who decides.
        run: which.
        step: its name.
        approved: whether it may go on.
        reason: why, in words.

    Raises:
        RunNotFound: there is none in this organisation.
        StepNotFound: the run has no such step.
        StateForbids: the step does not wait for a person, or the run has ended.
        ScopeMissing: a step needs what this party may not do.
        OwnRun: this party started the run, resumed it or ran it again; it may refuse the step, not approve it.
    """
    with _locked(organisation, run, "approve", (R.RUNNING, R.PAUSED)) as row:
        found = Step.objects.filter(
            organisation_id=organisation, run=row, name=step, item=NOT_AN_ITEM
        ).first()
        if found is None:
            raise StepNotFound(loc=("step",))
        if found.status != StepStatus.AWAITING_APPROVAL:
            raise StateForbids(f"Step {step} is {found.status}; it does not wait for a person.")
        said = {
            "by": f"{by.kind}:{by.id}",
            "on_behalf_of": by.on_behalf_of,
            "approved": approved,
            "reason": reason,
        }
        require_scopes_of(row, by)
        if approved and any(is_same_party(by, party) for party in parties_of(row)):
            raise OwnRun
        values = _values(row, reason) | {"step": found.id, "approval": json.dumps(said)}
        # first the step runs again without a claim, so that refusing it ends it as any other failure does
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


def parties_of(row: Run) -> list[Actor]:
    """Return who stands behind a run: who started it, and all who resumed it or ran it again."""
    starter = Actor(ActorKind(row.actor_kind), row.actor_id, row.on_behalf_of)
    return [starter, *read_parties(row.parties)]


def require_scopes_of(row: Run, by: Actor) -> None:
    """Refuse who may not do, now, all that the run's steps do.

    Raises:
        ScopeMissing: naming the first scope that is missing.
    """
    if row.version_id is None:
        return
    needed = scopes_of_plan(plan_of(row.organisation_id, row.version_id)) | {Scope.WORKFLOWS_RUN}
    missing = missing_scopes(needed, scopes_now(organisation=row.organisation_id, actor=by))
    if missing:
        raise ScopeMissing(f"This run's steps need the scope {missing[0]}.")


def _carry_on(row: Run, by: Actor) -> None:
    """Note who lets the run go on: its steps may do no more than this party too."""
    party = {"kind": str(by.kind), "id": by.id, "on_behalf_of": by.on_behalf_of}
    row.parties = [*(each for each in row.parties if each != party), party]
    row.save(update_fields=["parties"])


def _refuse(row: Run, step: Step, reason: str) -> None:
    raw_cursor().execute(sql.TAKE_UP, {"organisation": row.organisation_id, "step": step.id})
    info = load_run(organisation=row.organisation_id, run=row.id)
    claim = Claim(
        row.organisation_id, row.id, step.id, step.name, NOT_AN_ITEM, step.function, step.attempt, None
    )
    kept = describe(StepRefused(reason))
    decision = put_on_record(
        claim, info, StepStatus.FAILED, f"a person refused it ({reason})", {"error": kept}
    )
    end_step(claim, info, StepStatus.FAILED, decision=decision, error=kept, reason=reason)


def _reset(row: Run) -> set[str]:
    """Put what did not end well back to the beginning; return the names of the steps that stay."""
    values = _values(row, "run again")
    raw_cursor().execute(sql.RESET_ITEMS, values)
    raw_cursor().execute(sql.RESET_STEPS, values)
    rows = raw_cursor().execute(sql.SETTLED, (row.organisation_id, row.id)).fetchall()
    return {name for (name,) in rows}


def _ready(row: Run, reason: str) -> int:
    """Make ready whatever waits for nothing but the run, a map's items up to its limit; wake workers."""
    ready = _count(sql.READY_STEPS, row, reason)
    if row.version_id is not None:
        steps = plan_of(row.organisation_id, row.version_id).steps
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
    )
