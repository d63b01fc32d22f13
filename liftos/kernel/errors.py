"""Errors that callers may see. Each has a stable code; its docstring is the default message."""

from typing import Any


class LiftosError(Exception):
    """The request can't be carried out."""

    code = "liftos.error"
    status = 400

    def __init__(
        self, message: str | None = None, *, loc: tuple[str | int, ...] = (), **context: Any
    ) -> None:
        """Keep a message for the caller, the field it is about, and context for the log.

        Args:
            message: one sentence, safe to show; the docstring when left out.
            loc: path of the field at fault, outermost first, for example ("filters", "price").
            context: facts for the log line, never shown.
        """
        self.message = message or (type(self).__doc__ or "").strip()
        self.loc = loc
        self.context = context
        super().__init__(self.message)


def is_refusal(error: BaseException | None) -> bool:
    """Return whether an error refuses what the caller asked for (any 4xx), instead of telling of a failure of ours (5xx)."""
    return isinstance(error, LiftosError) and error.status < 500


class InvalidInput(LiftosError):
    """A field has a value that can't be used."""

    code = "liftos.invalid_input"
    status = 422


class NotAuthenticated(LiftosError):
    """User context required"""  # noqa: D415  the contract's exact words

    code = "liftos.not_authenticated"
    status = 401


class PermissionDenied(LiftosError):
    """This credential may not do that."""

    code = "liftos.permission_denied"
    status = 403


class NotFound(LiftosError):
    """Not Found"""  # noqa: D415  the contract's exact words

    code = "liftos.not_found"
    status = 404


class Conflict(LiftosError):
    """The state of the record does not allow that."""

    code = "liftos.conflict"
    status = 409


class TooLarge(LiftosError):
    """The request body is too large."""

    code = "liftos.body_too_large"
    status = 413


class Unavailable(LiftosError):
    """A part this needs is not available just now; try again."""

    code = "liftos.unavailable"
    status = 503
