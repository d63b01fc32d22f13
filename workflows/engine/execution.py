"""Executing one claimed step, from its condition to its end."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from time import monotonic
from typing import Any

import psycopg
from django.conf import settings
from django.db import InterfaceError, OperationalError

from liftos.kernel.caching.results import call as cached_call
from liftos.kernel.db.transactions import raw_cursor, seen_by_current_viewer
from liftos.kernel.db.viewers import viewing
from liftos.kernel.functions import Call, Function, Sources, Waiting, find_function
from liftos.kernel.jobs import send_hint
from liftos.kernel.telemetry.manager import observe_operation
from liftos.kernel.telemetry.operation import Operation
from liftos.kernel.telemetry.tracing.context import use_context
from liftos.kernel.tenancy.known_keys import KEEP_SECONDS
from liftos.kernel.tenancy.types import Principal
from workflows.definition import Step, holds, resolve
from workflows.definition.types import TooLarge
from workflows.engine import attempts
from workflows.engine.authority import require_authority
from workflows.engine.claims import Claim
from workflows.engine.endings import AfterCommit, fenced_pipeline
from workflows.engine.items import fan_out
from workflows.engine.machine import StepTimedOut
from workflows.engine.runs import RunInfo
from workflows.engine.sources import sources_of
from workflows.engine.statements import SET_LIMITS
from workflows.errors import Fenced
from workflows.secrets import Revealer
from workflows.types import NOT_AN_ITEM, StepStatus

logger = logging.getLogger("liftos.workflows")

# raw cursors raise psycopg's errors, Django's cursors wrapped ones
_DATABASE = (OperationalError, InterfaceError, psycopg.OperationalError, psycopg.InterfaceError)


def execute(claim: Claim, info: RunInfo, *, hand_over: bool = True) -> Claim | None:
    """Execute a claimed step and write its outcome; the step's own failure is not raised.

    Args:
        claim: of the step.
        info: its run.
        hand_over: claim a child that becomes ready.

    Returns:
        The claim of that child.

    Raises:
        OperationalError, InterfaceError, psycopg.Error: the database is unavailable; the step's lease will run out.
    """
    observed = observe_operation(
        "workflow.step",
        organisation=str(claim.organisation),
        function=claim.function or "none",
        step=claim.name,
    )
    with use_context(info.context()), observed as span:
        try:
            return _execute(claim, info, observed, hand_over=hand_over)
        except Fenced:
            # cancelled, or considered lost: this attempt's transaction was rolled back
            logger.info(
                "the worker lost its claim on a step", extra={"run": str(claim.run), "step": claim.name}
            )
            span.set_tag("fenced", value=True)
            return None


def _execute(claim: Claim, info: RunInfo, observed: Operation, *, hand_over: bool) -> Claim | None:
    try:
        step = info.plan.steps[claim.name]
        results = info.results_for(claim.name)
        if claim.item == NOT_AN_ITEM and not _condition_holds(step, info, results):
            return attempts.skip(claim, info, hand_over=hand_over)
        principal = require_authority(info, claim.name, claim.function)
        if claim.item == NOT_AN_ITEM:
            if step.approval and not claim.approved:
                attempts.await_approval(claim, info)
                return None
            if step.map is not None:
                return _map(claim, info, step, results)
        return _call(claim, info, step, results, principal, hand_over=hand_over)
    except Fenced:
        raise
    except Exception as error:  # noqa: BLE001  whatever a function raises is the step's failure
        observed.fail(error)
        return _failed(claim, info, error)


def _map(claim: Claim, info: RunInfo, step: Step, results: dict[str, Any]) -> Claim | None:
    values = _resolved(step, "map", info, results)
    # null: the result of a skipped step, or a parameter that was not given
    if values is None or values == []:
        with fenced_pipeline(claim.organisation):
            after = attempts.complete(claim, info, [])
        return after()
    ready = fan_out(claim, values, step.map_limit)
    info.notify()
    for _ in range(ready - 1):
        send_hint("workflows.work", claim.organisation)
    return None


def _call(
    claim: Claim,
    info: RunInfo,
    step: Step,
    results: dict[str, Any],
    principal: Principal,
    *,
    hand_over: bool,
) -> Claim | None:
    checked = monotonic()
    if not claim.function:
        with fenced_pipeline(claim.organisation):
            after = attempts.complete(claim, info, None, hand_over=hand_over)
        return after()
    function = find_function(claim.function)
    if function is None:
        raise LookupError(f"this worker does not know {claim.function}")
    item = claim.value if claim.item != NOT_AN_ITEM else None
    revealer = Revealer(principal.slug) if function.secrets else None
    if revealer is not None:
        step = replace(step, arguments=_marked(step.arguments, function, revealer))
    arguments = _resolved(step, "arguments", info, results, item)
    parsed = function.parse(arguments)
    sources = sources_of(claim, info) if function.derives else Sources()
    call = Call(
        principal, claim.key, monotonic() + step.timeout_seconds, info.metadata, sources, revealer,
        run=claim.run, step=claim.step,
    )  # fmt: skip
    with viewing(principal.viewer):
        call = function.ready(call, parsed)
    if monotonic() - checked >= KEEP_SECONDS:
        # preparation took long, so check again before writing
        call = replace(call, principal=require_authority(info, claim.name, claim.function))
    if function.outside or function.cacheable:
        try:
            with viewing(call.principal.viewer):
                value, cached = _compute(function, call, parsed, arguments)
        except Exception as error:
            if revealer is not None:
                revealer.mask_error(error)
            raise
        if revealer is not None:
            value = revealer.mask(value)
        with fenced_pipeline(claim.organisation):
            _limit(step.timeout_seconds)
            after = _complete(claim, info, function, value, cached=cached, hand_over=hand_over)
        return after()
    with fenced_pipeline(claim.organisation):
        _limit(step.timeout_seconds)
        with viewing(call.principal.viewer), seen_by_current_viewer():
            value = function.call(call, parsed)
        if isinstance(value, Waiting):
            attempts.park(claim, value.why)
            return None
        after = _complete(claim, info, function, value, hand_over=hand_over)
    return after()


def _marked(arguments: Any, function: Function, revealer: Revealer) -> Any:
    """Return a step's arguments with secret references marked in those that accept secrets; elsewhere they are text."""
    return {
        name: revealer.mark(value) if name in function.secrets else value for name, value in arguments.items()
    }


def _condition_holds(step: Step, info: RunInfo, results: dict[str, Any]) -> bool:
    if step.when is None:
        return True
    with _naming_field(step, "when"):
        return holds(step.when, parameters=info.parameters, results=results, most=_most())


def _resolved(step: Step, field: str, info: RunInfo, results: dict[str, Any], item: Any = None) -> Any:
    """Return a step's map or arguments with references resolved.

    Raises:
        Unresolvable: a reference has no target.
        TooLarge: the value is larger than LIFTOS_WORKFLOW_RESULT_BYTES.
    """
    with _naming_field(step, field):
        return resolve(
            getattr(step, field), parameters=info.parameters, results=results, item=item, most=_most()
        )


@contextmanager
def _naming_field(step: Step, field: str) -> Iterator[None]:
    try:
        yield
    except TooLarge as error:
        message = (
            f"Step {step.name}: {field} exceeds {_most()} bytes of JSON with its references resolved "
            "(LIFTOS_WORKFLOW_RESULT_BYTES)."
        )
        raise TooLarge(message, loc=(step.name, field)) from error


def _most() -> int:
    return int(settings.LIFTOS_WORKFLOW_RESULT_BYTES)


def _compute(function: Function, call: Call, parsed: Any, arguments: dict[str, Any]) -> tuple[Any, bool]:
    """Return the result of a function without effects on our rows, and whether it was cached."""
    if not function.cacheable:
        return function.call(call, parsed), False
    return cached_call(function, call.organisation, arguments, lambda: function.call(call, parsed))


def _complete(
    claim: Claim, info: RunInfo, function: Function, value: Any, *, hand_over: bool, cached: bool = False
) -> AfterCommit:
    memories = [
        each for named in (function.mentions, function.touches) if named is not None for each in named(value)
    ]
    return attempts.complete(claim, info, value, memories=memories, cached=cached, hand_over=hand_over)


def _limit(seconds: float) -> None:
    """Set Postgres timeouts for slow statements, and for a transaction whose process hangs."""
    idle = seconds + settings.LIFTOS_WORKFLOW_LEASE_SECONDS
    raw_cursor().execute(SET_LIMITS, (f"{max(1, round(seconds * 1e3))}ms", f"{round(idle * 1e3)}ms"))


def _failed(claim: Claim, info: RunInfo, error: Exception) -> Claim | None:
    cause = error.__cause__ if isinstance(error, OperationalError) and error.__cause__ else error
    step = info.plan.steps.get(claim.name)
    if isinstance(cause, psycopg.errors.QueryCanceled) and step is not None:
        error = StepTimedOut(step.timeout_seconds)
    elif isinstance(error, _DATABASE):
        # connection lost, deadlock or serialisation failure: either nothing or all of this attempt was committed
        logger.warning("the database interrupted a step", exc_info=error, extra={"run": str(claim.run)})
        attempts.give_back(claim, info, f"the database interrupted attempt {claim.attempt}")
        return None
    status = attempts.fail(claim, info, error)
    log = logger.info if status is StepStatus.RETRY_WAIT else logger.warning
    log(
        "a step failed",
        exc_info=error,
        extra={"run": str(claim.run), "step": claim.name, "attempt": claim.attempt, "then": str(status)},
    )
    return None
