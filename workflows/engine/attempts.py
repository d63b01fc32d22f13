"""How an attempt ends: done, skipped, failed for good, to be tried again, given back, or waiting for a person.

Each is one transaction. A claim that is no longer this worker's matches nothing in it, and all of it is undone.
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
from workflows.engine.claims import Claim
from workflows.engine.endings import (
    AfterCommit,
    as_json,
    end_step,
    fenced_pipeline,
    go_to,
    lock_run,
    put_on_record,
)
from workflows.engine.items import end_item
from workflows.engine.machine import WorkerLost, describe, may_be_tried_again
from workflows.engine.runs import RunInfo
from workflows.engine.statements import LOST, MENTION
from workflows.engine.visibility import scopes_behind
from workflows.errors import AuthorityLost, Fenced
from workflows.types import NOT_AN_ITEM, RunStatus, StepStatus


def complete(
    claim: Claim, info: RunInfo, value: Any, *, memories: Iterable[UUID] = (), cached: bool = False,
    hand_over: bool = True,
) -> AfterCommit:  # fmt: skip
    """End a step well, inside the caller's `fenced_pipeline`, and make its children ready.

    Args:
        claim: of the step.
        info: its run.
        value: the result, JSON.
        memories: that the result quotes.
        cached: the result was known before.
        hand_over: take a child that becomes ready by this along.

    Returns:
        What is to be called when the transaction has been committed: it gives the claim of that child.

    Raises:
        Fenced: the claim is no longer this worker's.
        ValueError, TypeError: the result is no JSON.
        TooLarge: it is too large, or the results of its map's items are, with it.
    """
    text = as_json(value)
    size = utf8_bytes(text)
    if claim.item != NOT_AN_ITEM:
        info.require_room(claim.name, size)
    how = (
        "its result was known already"
        if cached
        else f"attempt {claim.attempt} of {claim.function or 'nothing'}"
    )
    decision = put_on_record(claim, info, StepStatus.DONE, how, {"result_bytes": len(text), "cached": cached})
    if quoted := list(memories):
        raw_cursor().execute(MENTION, (claim.organisation, claim.run, quoted))
    if claim.item != NOT_AN_ITEM:
        ended = end_item(claim, info, StepStatus.DONE, result=text, decision=decision, hand_over=hand_over)

        def counted() -> Claim | None:
            info.of_items[claim.name] = info.of_items.get(claim.name, 0) + size
            return ended()

        return counted
    handed = end_step(claim, info, StepStatus.DONE, result=text, decision=decision, hand_over=hand_over)

    def committed() -> Claim | None:
        info.remember(claim.name, value, size)
        return handed()

    return committed


def skip(claim: Claim, info: RunInfo, *, hand_over: bool = True) -> Claim | None:
    """End a step whose condition does not hold; its children see null for its result.

    Raises:
        Fenced: the claim is no longer this worker's.
    """
    with fenced_pipeline(claim.organisation):
        decision = put_on_record(claim, info, StepStatus.SKIPPED, "its condition does not hold", {})
        handed = end_step(
            claim, info, StepStatus.SKIPPED, decision=decision, reason="condition", hand_over=hand_over
        )
    info.remember(claim.name, None, 0)
    return handed()


def fail(claim: Claim, info: RunInfo, error: BaseException, *, again: bool | None = None) -> StepStatus:
    """End an attempt that failed: try again later while that makes sense, else end the step and skip what depends on it.

    Args:
        claim: of the step.
        info: its run.
        error: why.
        again: whether trying again makes sense, where the error itself does not tell.

    Returns:
        retry_wait or failed.

    Raises:
        Fenced: the claim is no longer this worker's.
    """
    step = info.plan.steps[claim.name]
    kept = describe(error)
    # a record is read with other scopes than the step, and stays
    told = for_the_record(kept, scopes_behind(info.plan, claim.name))
    worth_it = may_be_tried_again(error) if again is None else again
    if worth_it and claim.retries < step.max_retries:
        number = claim.retries + 1
        delay = backoff(number, step.backoff_seconds, settings.LIFTOS_WORKFLOW_BACKOFF_CAP, random)
        why = f"attempt {claim.attempt} failed ({told['message']}); retry {number} of {step.max_retries} in {delay:.2f} s"
        with fenced_pipeline(claim.organisation):
            decision = put_on_record(claim, info, StepStatus.RETRY_WAIT, why, {"error": told})
            go_to(
                claim,
                StepStatus.RETRY_WAIT,
                reason=kept["message"],
                error=kept,
                delay=delay,
                retries=1,
                decision=decision,
            )
        return StepStatus.RETRY_WAIT
    why = f"attempt {claim.attempt} failed ({told['message']})" + (
        "" if worth_it else "; trying again would not help"
    )
    with fenced_pipeline(claim.organisation):
        decision = put_on_record(claim, info, StepStatus.FAILED, why, {"error": told})
        end_with_error(claim, info, kept, decision)
    return StepStatus.FAILED


def for_the_record(error: dict[str, Any], scopes: frozenset[Scope]) -> dict[str, Any]:
    """Return an error as a record tells it: without its text, where that may quote what its readers may not read."""
    if Scope.MEMORY_READ not in scopes or error.get("code") == AuthorityLost.code:
        return error
    return {key: error[key] for key in ("type", "code") if key in error} | {
        "message": f"{error['type']}; its text is with the step"
    }


def end_with_error(claim: Claim, info: RunInfo, kept: dict[str, Any], decision: UUID) -> None:
    """End a step, or an item, that failed for good; inside the caller's tenant pipeline."""
    reason = kept["message"]
    if claim.item == NOT_AN_ITEM:
        end_step(claim, info, StepStatus.FAILED, error=kept, decision=decision, reason=reason)
    else:
        # who fails takes nothing along: the next item is claimed like any other
        end_item(
            claim, info, StepStatus.FAILED, error=kept, decision=decision, reason=reason, hand_over=False
        )


def give_back(claim: Claim, info: RunInfo, reason: str) -> StepStatus:
    """Return a step whose worker was lost, or lost the database, to those that are ready; too often, and it fails.

    Returns:
        ready, or failed.

    Raises:
        Fenced: the claim was ended, renewed or taken by somebody else.
    """
    with fenced_pipeline(claim.organisation):
        status = lock_run(claim.organisation, claim.run)
        row = raw_cursor().execute(LOST, (claim.organisation, claim.step, claim.token)).fetchone()
        if row is None:
            raise Fenced
        if row[0] + 1 >= settings.LIFTOS_WORKFLOW_LOST_LIMIT:
            times = row[0] + 1
            kept = describe(WorkerLost(f"{times} workers that took this step were not heard of again"))
            decision = put_on_record(
                claim, info, StepStatus.FAILED, kept["message"], {"error": kept, "lost": times}
            )
            end_with_error(claim, info, kept, decision)
            return StepStatus.FAILED
        after = StepStatus.READY if status == RunStatus.RUNNING else StepStatus.WAITING
        decision = put_on_record(claim, info, after, reason, {"lost": row[0] + 1})
        go_to(claim, after, reason=reason, lost=1, decision=decision)
    return after


def await_approval(claim: Claim, info: RunInfo) -> None:
    """Leave a step to a person, and free the worker.

    Raises:
        Fenced: the claim is no longer this worker's.
    """
    with fenced_pipeline(claim.organisation):
        decision = put_on_record(claim, info, StepStatus.AWAITING_APPROVAL, "a person must let it go on", {})
        go_to(claim, StepStatus.AWAITING_APPROVAL, reason="approval", decision=decision)
        emit(
            organisation=claim.organisation,
            type="liftos.workflow.approval_wanted",
            subject=f"workflows/runs/{claim.run}",
            data={"run_id": str(claim.run), "step": claim.name},
        )
