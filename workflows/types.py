"""Enums and constants of workflows, runs and steps. No Django here."""

from enum import IntEnum, StrEnum


class Priority(IntEnum):
    """A step's priority; 1 runs before 5, as in the old platform."""

    CRITICAL = 1
    HIGH = 2
    NORMAL = 3
    LOW = 4
    BACKGROUND = 5


class VersionStatus(StrEnum):
    """The state of a template's version. Published versions never change."""

    DRAFT = "draft"
    PUBLISHED = "published"
    RETIRED = "retired"


class RunStatus(StrEnum):
    """The state of a run; the values are part of the API contract."""

    PENDING = "pending"
    RUNNING = "running"
    PAUSED = "paused"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class StepStatus(StrEnum):
    """The state of a step."""

    WAITING = "waiting"
    READY = "ready"
    RUNNING = "running"
    RETRY_WAIT = "retry_wait"
    AWAITING_APPROVAL = "awaiting_approval"
    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"


ENDED_RUN = (RunStatus.COMPLETED, RunStatus.FAILED, RunStatus.CANCELLED)
"""Final states of a run; a failed or cancelled one can be rerun."""
ENDED = (StepStatus.DONE, StepStatus.FAILED, StepStatus.SKIPPED, StepStatus.CANCELLED)
"""Final states of a step."""
OPEN = tuple(status for status in StepStatus if status not in ENDED)

NOT_AN_ITEM = -1
"""The item number of a step of the definition."""


def workflow_id(slug: str, code: str) -> str:
    """Return a run's workflow id, made of the organisation's slug and the run's code."""
    return f"wf_{slug}_{code}"


class FiringState(StrEnum):
    """The state of a trigger's firing."""

    PENDING = "pending"
    FIRED = "fired"
    FAILED = "failed"
    SKIPPED = "skipped"
    OVERTURNED = "overturned"


class Overlap(StrEnum):
    """A schedule's policy while an earlier run is open: start none, wait, or cancel that run."""

    SKIP = "skip"
    QUEUE = "queue"
    CANCEL = "cancel"


class CatchUp(StrEnum):
    """A schedule's policy after a downtime: the missed ticks that start runs."""

    NONE = "none"
    LATEST = "latest"
    ALL = "all"


class TickState(StrEnum):
    """The state of a schedule's tick."""

    PENDING = "pending"
    STARTED = "started"
    FAILED = "failed"
    SKIPPED = "skipped"
    OVERTURNED = "overturned"
