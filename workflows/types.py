"""What workflows, their runs and steps are, outside of the database. No Django here."""

from enum import IntEnum, StrEnum


class Priority(IntEnum):
    """Who goes first; 1 before 5, as in the old platform."""

    CRITICAL = 1
    HIGH = 2
    NORMAL = 3
    LOW = 4
    BACKGROUND = 5


class VersionStatus(StrEnum):
    """Where a version of a template stands. What is published never changes."""

    DRAFT = "draft"
    PUBLISHED = "published"
    RETIRED = "retired"


class RunStatus(StrEnum):
    """Where a run stands; the words are the contract's."""

    PENDING = "pending"
    RUNNING = "running"
    PAUSED = "paused"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class StepStatus(StrEnum):
    """Where a step stands."""

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
"""A run that goes nowhere by itself; one that failed or was cancelled can be run again from there."""
ENDED = (StepStatus.DONE, StepStatus.FAILED, StepStatus.SKIPPED, StepStatus.CANCELLED)
"""A step that goes nowhere by itself."""
OPEN = tuple(status for status in StepStatus if status not in ENDED)

NOT_AN_ITEM = -1
"""The item number of a step that is no item of a map."""


def workflow_id(slug: str, code: str) -> str:
    """Return the id that a run has in texts: its organisation's slug, and its code."""
    return f"wf_{slug}_{code}"
