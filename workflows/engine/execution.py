"""Carrying out one claimed step, from its condition to its end."""

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
from liftos.kernel.db.transactions import raw_cursor
from liftos.kernel.functions import Call, Function, Sources, find_function
from liftos.kernel.jobs import send_hint
from liftos.kernel.telemetry.manager import Operation, observe_operation
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

# raw cursors raise psycopg's own, Django's the wrapped ones
_DATABASE = (OperationalError, InterfaceError, psycopg.OperationalError, psycopg.InterfaceError)


def carry_out(claim: Claim, info: RunInfo, *, hand_over: bool = True) -> Claim | None:
    """Carry a claimed step out and write how it ended; whatever becomes of it, nothing is raised for it.

    Args:
        claim: of the step.
        info: its run.
        hand_over: take a child along that becomes ready by it.

    Returns:
        The claim of that child.

    Raises:
        OperationalError, InterfaceError, psycopg.Error: the database is away; the lease will tell others.
    """
    observed = observe_operation(
        "workflow.step",
        organisation=str(claim.organisation),
        function=claim.function or "none",
        step=claim.name,
    )
    with use_context(info.context()), observed as span:
        try:
            return _carry_out(claim, info, observed, hand_over=hand_over)
        except Fenced:
            # cancelled, or thought lost: what this attempt did in the database is undone with its transaction
            logger.info("a step was taken from its worker", extra={"run": str(claim.run), "step": claim.name})
            span.set_tag("fenced", value=True)
            return None


def _carry_out(claim: Claim, info: RunInfo, observed: Operation, *, hand_over: bool) -> Claim | None:
    try:
        step = info.plan.steps[claim.name]
        results = info.results_for(claim.name)
        if claim.item == NOT_AN_ITEM and not _wanted(step, info, results):
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
    except Exception as error:  # noqa: BLE001  a function may raise anything, and all of it is the step's failure
        observed.fail(error)
        return _failed(claim, info, error)


def _map(claim: Claim, info: RunInfo, step: Step, results: dict[str, Any]) -> Claim | None:
    values = _resolved(step, "map", info, results)
    # of a step that was skipped, or of a parameter that was not given: nothing to map over
    if values is None or values == []:
        with fenced_pipeline(claim.organisation):
            after = attempts.complete(claim, info, [])
        return after()
    ready = fan_out(claim, values, step.map_limit)
    info.tell()
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
    call = Call(principal, claim.key, monotonic() + step.timeout_seconds, info.metadata, sources, revealer)
    call = function.ready(call, parsed)
    if monotonic() - checked >= KEEP_SECONDS:
        # preparing took long, and what follows writes
        call = replace(call, principal=require_authority(info, claim.name, claim.function))
    if function.outside or function.cacheable:
        try:
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
        value = function.call(call, parsed)
        after = _complete(claim, info, function, value, hand_over=hand_over)
    return after()


def _marked(arguments: Any, function: Function, revealer: Revealer) -> Any:
    """Return a step's arguments with the secrets marked where the function takes some: what else says so is text."""
    return {
        name: revealer.mark(value) if name in function.secrets else value for name, value in arguments.items()
    }


def _wanted(step: Step, info: RunInfo, results: dict[str, Any]) -> bool:
    if step.when is None:
        return True
    with _named(step, "when"):
        return holds(step.when, parameters=info.parameters, results=results, most=_most())


def _resolved(step: Step, field: str, info: RunInfo, results: dict[str, Any], item: Any = None) -> Any:
    """Return a step's map or arguments with what their references bring.

    Raises:
        Unresolvable: a reference leads to nothing.
        TooLarge: it is more than may be kept.
    """
    with _named(step, field):
        return resolve(
            getattr(step, field), parameters=info.parameters, results=results, item=item, most=_most()
        )


@contextmanager
def _named(step: Step, field: str) -> Iterator[None]:
    try:
        yield
    except TooLarge as error:
        message = (
            f"Step {step.name}: with what references bring, {field} would have more than {_most()} bytes as JSON "
            "(LIFTOS_WORKFLOW_RESULT_BYTES)."
        )
        raise TooLarge(message, loc=(step.name, field)) from error


def _most() -> int:
    return int(settings.LIFTOS_WORKFLOW_RESULT_BYTES)


def _compute(function: Function, call: Call, parsed: Any, arguments: dict[str, Any]) -> tuple[Any, bool]:
    """Return the value of a function without effects on our rows, and whether it was known already."""
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
    """Have Postgres end a statement that takes too long, and a transaction whose process has stopped in the middle."""
    idle = seconds + settings.LIFTOS_WORKFLOW_LEASE_SECONDS
    raw_cursor().execute(SET_LIMITS, (f"{max(1, round(seconds * 1e3))}ms", f"{round(idle * 1e3)}ms"))


def _failed(claim: Claim, info: RunInfo, error: Exception) -> Claim | None:
    cause = error.__cause__ if isinstance(error, OperationalError) and error.__cause__ else error
    step = info.plan.steps.get(claim.name)
    if isinstance(cause, psycopg.errors.QueryCanceled) and step is not None:
        error = StepTimedOut(step.timeout_seconds)
    elif isinstance(error, _DATABASE):
        # the connection broke, or two transactions were in each other's way: nothing of this attempt is there, or all of it
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
