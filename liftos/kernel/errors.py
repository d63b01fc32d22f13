"""Errors shown to callers. Each has a stable code; its docstring is the default message.

A code is the app's name and the class's: `SpaceNotFound` in spaces is `spaces.space_not_found`. Callers depend on the codes
(tests/contract/test_error_codes.py), so a class that is renamed states its old `code`.
"""

import re
from typing import Any, ClassVar


class LiftosError(Exception):
    """The request can't be carried out."""

    code: ClassVar[str] = "liftos.error"
    status = 400
    keeps_record: ClassVar[bool] = False
    """Whether decisions recorded before the error are kept under an Idempotency-Key too; nothing else may be written."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Derive the code, unless the class states one."""
        super().__init_subclass__(**kwargs)
        if "code" not in cls.__dict__:
            name = re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()
            cls.code = f"{cls.__module__.partition('.')[0]}.{name}"

    def __init__(
        self, message: str | None = None, *, loc: tuple[str | int, ...] = (), **context: Any
    ) -> None:
        """Create an error.

        Args:
            message: one sentence for the caller; by default the docstring.
            loc: path of the invalid field, outermost first, for example ("filters", "price").
            context: details for the log, never shown to callers.
        """
        self.message = message or (type(self).__doc__ or "").strip()
        self.loc = loc
        self.context = context
        super().__init__(self.message)


def is_refusal(error: BaseException | None) -> bool:
    """Return whether an error is a refusal of the caller's request (4xx) rather than a failure of ours (5xx)."""
    return isinstance(error, LiftosError) and error.status < 500


class InvalidInput(LiftosError):
    """A field has an invalid value."""

    status = 422


class NotAuthenticated(LiftosError):
    """User context required"""  # noqa: D415  the contract's exact words

    status = 401


class PermissionDenied(LiftosError):
    """The credential does not permit this."""

    status = 403


class NotFound(LiftosError):
    """Not Found"""  # noqa: D415  the contract's exact words

    status = 404


class Conflict(LiftosError):
    """The current state does not allow this."""

    status = 409


class TooLarge(LiftosError):
    """The request body is too large."""

    code = "liftos.body_too_large"
    status = 413


class Unavailable(LiftosError):
    """A required service is temporarily unavailable; try again."""

    status = 503
