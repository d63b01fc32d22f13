"""Errors of the workflows app."""

from liftos.kernel.errors import Conflict, InvalidInput, NotFound, PermissionDenied


class TemplateNotFound(NotFound):
    """There is no such template."""


class TemplateExists(Conflict):
    """A template with this name already exists."""


class NotPublished(Conflict):
    """The template has no published version."""


class TemplateRetired(Conflict):
    """The template is retired and can't start new runs."""


class NothingToPublish(Conflict):
    """The template has no draft."""


class NeedsReview(Conflict):
    """The policy requires a version to be published by somebody other than its author."""


class TriggerNotFound(NotFound):
    """There is no such trigger."""


class TriggerExists(Conflict):
    """A trigger with this name already exists."""


class ScheduleNotFound(NotFound):
    """There is no such schedule."""


class ScheduleExists(Conflict):
    """A schedule with this name already exists."""


class RunNotFound(NotFound):
    """There is no such run."""


class StepNotFound(InvalidInput):
    """The run has no such step."""


class StateForbids(Conflict):
    """The run's state does not allow this."""


class ScopeMissing(PermissionDenied):
    """The run's steps need a scope that the caller lacks."""


class OwnRun(PermissionDenied):
    """Whoever started, resumed or reran a run can't approve its steps."""


class AuthorityLost(PermissionDenied):
    """The party that the run acts for no longer has the required scope."""


class Fenced(Exception):
    """The worker no longer holds the claim: another worker has it, or the run was cancelled."""


_FENCE = "LF001"  # raised by liftos_fence, in the database


def is_fence(error: BaseException) -> bool:
    """Return whether a database error was raised by the fence: the worker no longer holds its claim."""
    return _FENCE in (getattr(error, "sqlstate", None), getattr(error.__cause__, "sqlstate", None))
