"""The states of runs and steps and what leads from one to another, and what an error means for a step. No Django here.

Each arrow is one compare-and-set in SQL (workflows.engine, workflows.runs.controls), with a row of history.
"""

from typing import Any

from liftos.kernel.db.jsonb import storable
from liftos.kernel.errors import LiftosError
from workflows.types import RunStatus, StepStatus

S, R = StepStatus, RunStatus

STEP_ARROWS: dict[StepStatus, frozenset[StepStatus]] = {
    S.WAITING: frozenset({S.READY, S.RUNNING, S.SKIPPED, S.CANCELLED}),
    S.READY: frozenset({S.RUNNING, S.WAITING, S.CANCELLED}),
    S.RUNNING: frozenset(
        {S.DONE, S.FAILED, S.SKIPPED, S.CANCELLED, S.RETRY_WAIT, S.READY, S.WAITING, S.AWAITING_APPROVAL}
    ),
    S.RETRY_WAIT: frozenset({S.READY, S.WAITING, S.CANCELLED}),
    S.AWAITING_APPROVAL: frozenset({S.READY, S.WAITING, S.FAILED, S.CANCELLED}),
    S.DONE: frozenset(),
    # by running again from there; an item's map goes on at once
    S.FAILED: frozenset({S.WAITING, S.READY, S.RUNNING}),
    S.SKIPPED: frozenset({S.WAITING, S.READY}),
    S.CANCELLED: frozenset({S.WAITING, S.READY, S.RUNNING}),
}
RUN_ARROWS: dict[RunStatus, frozenset[RunStatus]] = {
    R.PENDING: frozenset({R.RUNNING, R.CANCELLED}),
    R.RUNNING: frozenset({R.PAUSED, R.COMPLETED, R.FAILED, R.CANCELLED}),
    R.PAUSED: frozenset({R.RUNNING, R.COMPLETED, R.FAILED, R.CANCELLED}),
    R.COMPLETED: frozenset(),
    R.FAILED: frozenset({R.RUNNING}),
    R.CANCELLED: frozenset({R.RUNNING}),
}

MAX_MESSAGE = 500
# Trying again changes nothing about these: the code, or what it was given, is wrong.
_HOPELESS = (
    TypeError, ValueError, AttributeError, NameError, LookupError, AssertionError, ArithmeticError, ImportError, SyntaxError,
    NotImplementedError,
)  # fmt: skip


class StepTimedOut(TimeoutError):
    """A step took longer than it may."""

    def __init__(self, seconds: float) -> None:
        """Say how long it may take, seconds."""
        super().__init__(f"timed out after {seconds:g} s")


class StepRefused(LiftosError):
    """A person refused the step."""

    code = "workflows.refused"
    status = 409


class WorkerLost(RuntimeError):
    """Workers that took this step were not heard of again, too often."""


def may_be_tried_again(error: BaseException) -> bool:
    """Tell whether a step that failed so might succeed when tried again.

    What the request or the state of a record forbids, and what is wrong in the code itself, stays so; what the outside did
    (connections, files, other services, a part that is away) may pass.
    """
    if isinstance(error, LiftosError):
        return error.status >= 500
    return not isinstance(error, _HOPELESS)


def describe(error: BaseException) -> dict[str, Any]:
    """Return an error as it is kept with a step: type, message, and the code of one of ours.

    Of an error that is not ours the text is kept too: who reads a run of their own organisation is to find the cause.
    """
    if isinstance(error, LiftosError):
        kept: dict[str, Any] = {"type": type(error).__name__, "message": error.message, "code": error.code}
        if error.loc:
            kept["loc"] = [storable(str(part)) for part in error.loc]
    else:
        text = str(error).split("\n")[0]
        kept = {"type": type(error).__name__, "message": text or type(error).__name__}
    kept["message"] = storable(kept["message"])[:MAX_MESSAGE]
    return kept
