"""The state machines of runs and steps, and the classification of errors. No Django here.

Each transition is a compare-and-set in SQL (workflows.engine, workflows.runs.controls), with a row of history.
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
    # by a rerun; the map of a reset item is running at once
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
# errors in the code or its input, which a retry can't fix
_PERMANENT = (
    TypeError, ValueError, AttributeError, NameError, LookupError, AssertionError, ArithmeticError, ImportError, SyntaxError,
    NotImplementedError,
)  # fmt: skip


class StepTimedOut(TimeoutError):
    """A step exceeded its timeout."""

    def __init__(self, seconds: float) -> None:
        """Create the error for a timeout in seconds."""
        super().__init__(f"timed out after {seconds:g} s")


class StepRefused(LiftosError):
    """A person refused the step."""

    code = "workflows.refused"
    status = 409


class WorkerLost(RuntimeError):
    """Too many workers were lost while executing the step."""


def may_be_retried(error: BaseException) -> bool:
    """Return whether a retry might succeed.

    Invalid requests, conflicting states and errors in the code are permanent; failures of connections, files and other services
    may be temporary.
    """
    if isinstance(error, LiftosError):
        return error.status >= 500
    return not isinstance(error, _PERMANENT)


def describe(error: BaseException) -> dict[str, Any]:
    """Return an error for storage with its step: type, message, and the code of a LiftosError.

    The text of other errors is kept too, so that the run's readers can find the cause.
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
