"""What can be wrong with what is asked of workflows."""

from liftos.kernel.errors import Conflict, InvalidInput, NotFound, PermissionDenied


class TemplateNotFound(NotFound):
    """There is no such template."""

    code = "workflows.template_not_found"


class TemplateExists(Conflict):
    """There is a template of that name."""

    code = "workflows.template_exists"


class NotPublished(Conflict):
    """The template has no published version."""

    code = "workflows.not_published"


class TemplateRetired(Conflict):
    """The template is retired: it starts no new run."""

    code = "workflows.template_retired"


class NothingToPublish(Conflict):
    """The template has no draft."""

    code = "workflows.nothing_to_publish"


class NeedsReview(Conflict):
    """Here a version is published by somebody else than who wrote it."""

    code = "workflows.needs_review"


class RunNotFound(NotFound):
    """There is no such run."""

    code = "workflows.run_not_found"


class StepNotFound(InvalidInput):
    """The run has no such step."""

    code = "workflows.step_not_found"


class StateForbids(Conflict):
    """The state of the run does not allow that."""

    code = "workflows.state_forbids"


class ScopeMissing(PermissionDenied):
    """The run's steps need a scope that this caller does not have."""

    code = "workflows.scope_missing"


class OwnRun(PermissionDenied):
    """Who started, resumed or re-ran a run does not approve its steps; somebody else must."""

    code = "workflows.own_run"


class AuthorityLost(PermissionDenied):
    """Who the run acts for may no longer do that."""

    code = "workflows.authority_lost"


class Fenced(Exception):
    """The claim is no longer this worker's: somebody else has it, or the run was cancelled."""


_FENCE = "LF001"  # raised by liftos_fence, in the database


def is_fence(error: BaseException) -> bool:
    """Tell whether an error of the database says that a claim was no longer this worker's."""
    return _FENCE in (getattr(error, "sqlstate", None), getattr(error.__cause__, "sqlstate", None))
