"""The outcomes of an attempt: done, skipped, failed, retried, given back, or awaiting approval.

Each is one transaction, which is rolled back if the worker no longer holds its claim.
"""

from collections.abc import Iterable
from random import random
from typing import Any
from uuid import UUID

from django.conf import settings

from liftos.kernel.db.transactions import raw_cursor
from liftos.kernel.outbox.operations import emit
from liftos.kernel.tenancy.types import Scope
from workflows.definition import backoff
from workflows.definition.sizes import utf8_bytes
from workflows.engine.claims import Claim, worker_name
from workflows.engine.endings import (
    AfterCommit,
    as_json,
    end_step,
    fenced_pipeline,
    lock_run,
    record_transition,
    release,
)
from workflows.engine.items import end_item
from workflows.engine.machine import WorkerLost, describe, may_be_retried
from workflows.engine.runs import RunInfo
from workflows.engine.statements import LOST, MENTION, PARK
from workflows.engine.visibility import scopes_behind
from workflows.errors import AuthorityLost, Fenced
from workflows.types import NOT_AN_ITEM, RunStatus, StepStatus


def complete(
    claim: Claim, info: RunInfo, value: Any, *, memories: Iterable[UUID] = (), cached: bool = False,
    hand_over: bool = True,
) -> AfterCommit:  # fmt: skip
    """Complete a step with its result, inside the caller's `fenced_pipeline`, and make its children ready.

    Args:
        claim: of the step.
        info: its run.
        value: the result, JSON.
        memories: that the result quotes.
        cached: the result came from the cache.
        hand_over: claim a child that becomes ready.

    Returns:
        A function to call after the commit; it returns the claim of that child.

    Raises:
        Fenced: the worker no longer holds the claim.
        ValueError, TypeError: the result is not valid JSON.
        TooLarge: the result is too large, or together with those of the map's other items.
    """
    text = as_json(value)
    size = utf8_bytes(text)
    if claim.item != NOT_AN_ITEM:
        info.require_room(claim.name, size)
    how = (
        "the result was cached" if cached else f"attempt {claim.attempt} of {claim.function or 'no function'}"
    )
    decision = record_transition(
        claim, info, StepStatus.DONE, how, {"result_bytes": len(text), "cached": cached}
    )
    if quoted := list(memories):
        raw_cursor().execute(MENTION, (claim.organisation, claim.run, quoted))
    if claim.item != NOT_AN_ITEM:
        ended = end_item(claim, info, StepStatus.DONE, result=text, decision=decision, hand_over=hand_over)

        def counted() -> Claim | None:
            info.item_bytes[claim.name] = info.item_bytes.get(claim.name, 0) + size
            return ended()

        return counted
    handed = end_step(claim, info, StepStatus.DONE, result=text, decision=decision, hand_over=hand_over)

    def committed() -> Claim | None:
        info.remember(claim.name, value, size)
        return handed()

    return committed


def skip(claim: Claim, info: RunInfo, *, hand_over: bool = True) -> Claim | None:
    """End a step whose condition is false; its children read null for its result.

    Raises:
        Fenced: the worker no longer holds the claim.
    """
    with fenced_pipeline(claim.organisation):
        decision = record_transition(claim, info, StepStatus.SKIPPED, "its condition is false", {})
        handed = end_step(
            claim, info, StepStatus.SKIPPED, decision=decision, reason="condition", hand_over=hand_over
        )
    info.remember(claim.name, None, 0)
    return handed()


def fail(claim: Claim, info: RunInfo, error: BaseException) -> StepStatus:
    """End a failed attempt: schedule a retry if one may help, else fail the step and skip its dependents.

    Returns:
        retry_wait or failed.

    Raises:
        Fenced: the worker no longer holds the claim.
    """
    step = info.plan.steps[claim.name]
    kept = describe(error)
    # records are permanent, and readable with other scopes than the step
    recorded = error_for_record(kept, scopes_behind(info.plan, claim.name))
    retryable = may_be_retried(error)
    if retryable and claim.retries < step.max_retries:
        number = claim.retries + 1
        delay = backoff(number, step.backoff_seconds, settings.LIFTOS_WORKFLOW_BACKOFF_CAP, random)
        why = f"attempt {claim.attempt} failed ({recorded['message']}); retry {number} of {step.max_retries} in {delay:.2f} s"
        with fenced_pipeline(claim.organisation):
            decision = record_transition(claim, info, StepStatus.RETRY_WAIT, why, {"error": recorded})
            release(
                claim,
                StepStatus.RETRY_WAIT,
                reason=kept["message"],
                error=kept,
                delay=delay,
                retries=1,
                decision=decision,
            )
        return StepStatus.RETRY_WAIT
    why = f"attempt {claim.attempt} failed ({recorded['message']})" + ("" if retryable else "; not retryable")
    with fenced_pipeline(claim.organisation):
        decision = record_transition(claim, info, StepStatus.FAILED, why, {"error": recorded})
        end_with_error(claim, info, kept, decision)
    return StepStatus.FAILED


def error_for_record(error: dict[str, Any], scopes: frozenset[Scope]) -> dict[str, Any]:
    """Return an error for a decision record; without its text if that may quote memories."""
    if Scope.MEMORY_READ not in scopes or error.get("code") == AuthorityLost.code:
        return error
    return {key: error[key] for key in ("type", "code") if key in error} | {
        "message": f"{error['type']}; see the step for the message"
    }


def end_with_error(claim: Claim, info: RunInfo, kept: dict[str, Any], decision: UUID) -> None:
    """End a failed step or item; inside the caller's tenant pipeline."""
    reason = kept["message"]
    if claim.item == NOT_AN_ITEM:
        end_step(claim, info, StepStatus.FAILED, error=kept, decision=decision, reason=reason)
    else:
        # after a failure nothing is handed over: the next item is claimed like any other
        end_item(
            claim, info, StepStatus.FAILED, error=kept, decision=decision, reason=reason, hand_over=False
        )


def give_back(claim: Claim, info: RunInfo, reason: str) -> StepStatus:
    """Make a step ready again whose worker was lost or lost the database; after too many times, fail it.

    Returns:
        ready, waiting or failed.

    Raises:
        Fenced: the claim has ended or was taken by another worker.
    """
    with fenced_pipeline(claim.organisation):
        status = lock_run(claim.organisation, claim.run)
        row = raw_cursor().execute(LOST, (claim.organisation, claim.step, claim.token)).fetchone()
        if row is None:
            raise Fenced
        if row[0] + 1 >= settings.LIFTOS_WORKFLOW_LOST_LIMIT:
            times = row[0] + 1
            kept = describe(WorkerLost(f"{times} workers were lost while executing this step"))
            decision = record_transition(
                claim, info, StepStatus.FAILED, kept["message"], {"error": kept, "lost": times}
            )
            end_with_error(claim, info, kept, decision)
            return StepStatus.FAILED
        after = StepStatus.READY if status == RunStatus.RUNNING else StepStatus.WAITING
        decision = record_transition(claim, info, after, reason, {"lost": row[0] + 1})
        release(claim, after, reason=reason, lost=1, decision=decision)
    return after


def park(claim: Claim, why: str) -> None:
    """Have a step wait without a worker: it stays running, without a claim. Inside the caller's `fenced_pipeline`.

    Raises:
        Fenced: the worker no longer holds the claim.
    """
    values = {"organisation": claim.organisation, "step": claim.step, "token": claim.token, "run": claim.run}
    if raw_cursor().execute(PARK, values | {"reason": why, "worker": worker_name()}).fetchone() is None:
        raise Fenced


def await_approval(claim: Claim, info: RunInfo) -> None:
    """Put a step on hold until a person approves it, and free the worker.

    Raises:
        Fenced: the worker no longer holds the claim.
    """
    with fenced_pipeline(claim.organisation):
        decision = record_transition(claim, info, StepStatus.AWAITING_APPROVAL, "it needs approval", {})
        release(claim, StepStatus.AWAITING_APPROVAL, reason="approval", decision=decision)
        emit(
            organisation=claim.organisation,
            type="liftos.workflow.run.approval_wanted",
            subject=f"workflows/runs/{claim.run}",
            data={"run_id": str(claim.run), "step": claim.name},
            scope_id=info.scope,
        )
