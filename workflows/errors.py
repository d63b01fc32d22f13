"""Errors of the workflows app."""

from liftos.kernel.errors import Conflict, InvalidInput, NotFound, PermissionDenied


class TemplateNotFound(NotFound):
    """There is no such template."""

    code = "workflows.template_not_found"


class TemplateExists(Conflict):
    """A template with this name already exists."""

    code = "workflows.template_exists"


class NotPublished(Conflict):
    """The template has no published version."""

    code = "workflows.not_published"


class TemplateRetired(Conflict):
    """The template is retired and can't start new runs."""

    code = "workflows.template_retired"


class NothingToPublish(Conflict):
    """The template has no draft."""

    code = "workflows.nothing_to_publish"


class NeedsReview(Conflict):
    """The policy requires a version to be published by somebody other than its author."""

    code = "workflows.needs_review"


class RunNotFound(NotFound):
    """There is no such run."""

    code = "workflows.run_not_found"


class StepNotFound(InvalidInput):
    """The run has no such step."""

    code = "workflows.step_not_found"


class StateForbids(Conflict):
    """The run's state does not allow this."""

    code = "workflows.state_forbids"


class ScopeMissing(PermissionDenied):
    """The run's steps need a scope that the caller lacks."""

    code = "workflows.scope_missing"


class OwnRun(PermissionDenied):
    """Whoever started, resumed or reran a run can't approve its steps."""

    code = "workflows.own_run"


class AuthorityLost(PermissionDenied):
    """The party that the run acts for no longer has the required scope."""

    code = "workflows.authority_lost"


class Fenced(Exception):
    """The worker no longer holds the claim: another worker has it, or the run was cancelled."""


_FENCE = "LF001"  # raised by liftos_fence, in the database


def is_fence(error: BaseException) -> bool:
    """Return whether a database error was raised by the fence: the worker no longer holds its claim."""
    return _FENCE in (getattr(error, "sqlstate", None), getattr(error.__cause__, "sqlstate", None))
