"""Ending a step in the database: its children become ready, and the run ends with its last step.

Each function runs inside the caller's transaction and first locks the run's row. So steps that end concurrently see a consistent
run status and step count, and a child of two of them becomes ready once.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import psycopg
from django.conf import settings
from django.db import DatabaseError
from psycopg.rows import TupleRow

from accountability.operations import record
from liftos.kernel.db.jsonb import to_jsonb
from liftos.kernel.db.transactions import raw_cursor, tenant_pipeline
from liftos.kernel.ids import new_id
from liftos.kernel.jobs import send_hint
from liftos.kernel.outbox.operations import emit
from workflows.definition.sizes import utf8_bytes
from workflows.definition.types import TooLarge
from workflows.engine.claims import Claim, claim_from, lease_values
from workflows.engine.runs import RunInfo
from workflows.engine.statements import (
    BY_INDEX,
    COUNT_DOWN,
    COUNT_ONE,
    COUNTS,
    END,
    LOCK_RUN,
    RELEASE,
    SKIP_HEIRS,
)
from workflows.errors import Fenced, is_fence
from workflows.types import NOT_AN_ITEM, RunStatus, StepStatus

MAX_HINTS = 10
AfterCommit = Callable[[], Claim | None]


def end_step(
    claim: Claim,
    info: RunInfo,
    status: StepStatus,
    *,
    decision: UUID,
    result: str | None = None,
    error: dict[str, Any] | None = None,
    reason: str = "",
    hand_over: bool = True,
) -> AfterCommit:
    """End a step of the definition: count it, make its children ready, end the run with its last step.

    Call it inside a `fenced_pipeline`. Items of a map end in `workflows.engine.items`. For a step with dependents nothing is
    fetched here: its statements and the COMMIT are one round trip.

    Returns:
        A function to call after the commit; it returns the claim of a child that was handed over.

    Raises:
        Fenced: the worker no longer holds the claim; possibly raised only at the end of the pipeline.
    """
    ready = status in (StepStatus.DONE, StepStatus.SKIPPED)
    plan, next_token = info.plan, new_id()
    base = _base(claim) | lease_values()
    raw_cursor().execute(BY_INDEX)
    may_be_last = not (ready and plan.children[claim.name])
    run = _count_down(base, info, claim.name, failed=status is StepStatus.FAILED, last=may_be_last)
    values = base | {
        "status": str(status),
        "result": result,
        "error": None if error is None else json.dumps(error),
        "decision": decision,
        "children": plan.children[claim.name] if ready else [],
        "heir": plan.heirs.get(claim.name, "") if ready and hand_over else "",
        "next": next_token,
        "reason": reason,
    }
    rows = raw_cursor().execute(END, {key: values[key] for key in _END_KEYS})
    if run is not None:
        rows.fetchone()  # raises if fenced, before the run's end is recorded
        before, after = _only(run.fetchone())
        if after == before:
            return lambda: None
        status_after = RunStatus(after)
        _end_run(claim.organisation, info, status_after)
        return lambda: info.end(status_after)
    return lambda: _handed_over(info, next_token, rows)


def _count_down(
    base: dict[str, Any], info: RunInfo, name: str, *, failed: bool, last: bool
) -> psycopg.Cursor[TupleRow] | None:
    """Lock the run's row and count one step as ended; if it may be the last, return the cursor with the run's status."""
    if not last:
        raw_cursor().execute(COUNT_ONE, {key: base[key] for key in ("organisation", "run")})
        return None
    counted = base | {"ended": 1, "failed": int(failed)}
    if failed:
        lock_run(base["organisation"], base["run"])
        counted["ended"] += _skip_heirs(base, info, name)
    return raw_cursor().execute(COUNT_DOWN, {key: counted[key] for key in _COUNT_KEYS})


def _handed_over(info: RunInfo, token: UUID, rows: psycopg.Cursor[TupleRow]) -> Claim | None:
    """Return the claim of the child that was handed over, and wake workers for the others; after the commit."""
    handed, ready = None, 0
    for _, *columns, child_status in rows.fetchall():
        if child_status == StepStatus.RUNNING:
            handed = claim_from(info.organisation, token, columns)
        ready += child_status == StepStatus.READY
    # without a handover, this worker claims one of the ready children itself
    for _ in range(min(ready if handed else ready - 1, MAX_HINTS)):
        send_hint("workflows.work", info.organisation)
    if ready:
        info.notify()
    return handed


@contextmanager
def fenced_pipeline(organisation: UUID) -> Iterator[None]:
    """Open a `tenant_pipeline` that turns the database's fence error into Fenced.

    Raises:
        Fenced: the worker no longer holds its claim; nothing was committed.
    """
    try:
        with tenant_pipeline(organisation):
            yield
    except (DatabaseError, psycopg.Error) as error:
        if is_fence(error):
            raise Fenced from error
        raise


def release(
    claim: Claim,
    status: StepStatus,
    *,
    reason: str,
    error: dict[str, Any] | None = None,
    delay: float = 0.0,
    retries: int = 0,
    lost: int = 0,
    decision: UUID | None = None,
) -> None:
    """Release the claim of a running step that will continue later; inside the caller's tenant pipeline.

    If the run is paused, the step's status becomes waiting.

    Raises:
        Fenced: the worker no longer holds the claim.
    """
    if status in (StepStatus.RETRY_WAIT, StepStatus.READY) and (
        lock_run(claim.organisation, claim.run) != RunStatus.RUNNING
    ):
        status = StepStatus.WAITING
    values = {
        **_base(claim),
        "worker": lease_values()["worker"],
        "status": str(status),
        "reason": reason[:500],
        "error": None if error is None else json.dumps(error),
        "delay": delay,
        "retries": retries,
        "lost": lost,
        "decision": decision,
    }
    if raw_cursor().execute(RELEASE, values).fetchone() is None:
        raise Fenced


def lock_run(organisation: UUID, run: UUID) -> RunStatus:
    """Lock a run's row and return its status; inside the caller's tenant transaction.

    Raises:
        Fenced: the run was deleted.
    """
    row = raw_cursor().execute(LOCK_RUN, (organisation, run)).fetchone()
    if row is None:
        raise Fenced
    return RunStatus(row[0])


def as_json(value: Any) -> str:
    """Return a result as JSON for storage.

    Raises:
        TypeError, ValueError: it is not valid JSON, or contains characters that Postgres can't store.
        TooLarge: it is larger than LIFTOS_WORKFLOW_RESULT_BYTES.
    """
    text = to_jsonb(value)
    size = utf8_bytes(text)
    if size > settings.LIFTOS_WORKFLOW_RESULT_BYTES:
        raise too_large(f"The result has {size} bytes.")
    return text


def too_large(what: str) -> TooLarge:
    """Return the error for a result above the size limit; `what` is a sentence with the actual size."""
    most = settings.LIFTOS_WORKFLOW_RESULT_BYTES
    return TooLarge(f"{what} The limit is {most} (LIFTOS_WORKFLOW_RESULT_BYTES).")


def _end_run(organisation: UUID, info: RunInfo, status: RunStatus) -> None:
    counts: dict[str, int] = dict(raw_cursor().execute(COUNTS, (organisation, info.id)).fetchall())
    summary = ", ".join(f"{count} {name}" for name, count in sorted(counts.items()))
    decision = record(
        organisation=organisation,
        by=info.principal.actor,
        operation="workflow.end",
        subject=("workflow_run", str(info.id)),
        reasoning=f"{info.name} {status}: all its steps have ended ({summary}).",
        outputs={"status": str(status), "steps": counts},
        parents=[info.decision],
        scope_id=info.scope,
    )
    emit(
        organisation=organisation,
        type="liftos.workflow.run.finished",
        subject=f"workflows/runs/{info.id}",
        data={
            "run_id": str(info.id),
            "template": info.name,
            "status": str(status),
            "decision_id": str(decision),
        },
        scope_id=info.scope,
    )


def _skip_heirs(base: dict[str, Any], info: RunInfo, name: str) -> int:
    names = info.plan.descendants(name)
    if not names:
        return 0
    values = {key: base[key] for key in ("organisation", "run", "worker")} | {
        "names": names,
        "error": json.dumps({"type": "DependencyFailed", "message": f"{name} failed"}),
        "reason": f"{name} failed",
    }
    return int(_only(raw_cursor().execute(SKIP_HEIRS, values).fetchone())[0])


def record_transition(
    claim: Claim, info: RunInfo, status: StepStatus, why: str, outputs: dict[str, Any]
) -> UUID:
    """Record a step's transition to a status as a decision; return the decision's id."""
    item = f" [{claim.item}]" if claim.item != NOT_AN_ITEM else ""
    return record(
        organisation=claim.organisation,
        by=info.principal.actor,
        operation="workflow.step",
        decision_point=f"workflow.step.{status}",
        subject=("workflow_run", str(claim.run)),
        reasoning=f"Step {claim.name}{item} of {info.name} is {status}: {why}.",
        inputs={
            "step": claim.name,
            "item": claim.item,
            "step_id": str(claim.step),
            "function": claim.function,
            "attempt": claim.attempt,
        },
        outputs={"status": str(status), "transitions": ["ready", "running", str(status)]} | outputs,
        parents=[info.decision],
        scope_id=info.scope,
    )


def _base(claim: Claim) -> dict[str, Any]:
    return {
        "organisation": claim.organisation, "run": claim.run, "step": claim.step, "token": claim.token,
    }  # fmt: skip


def _only(row: Sequence[Any] | None) -> Sequence[Any]:
    if row is None:
        raise Fenced
    return row


_COUNT_KEYS = ("organisation", "run", "ended", "failed", "worker")
_END_KEYS = (
    "organisation", "run", "step", "token", "status", "result", "error", "decision", "children", "heir", "next", "reason",
    "worker", "lease", "known",
)  # fmt: skip
