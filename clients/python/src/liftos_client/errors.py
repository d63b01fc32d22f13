"""Errors of the API, by status."""

from collections.abc import Mapping
from typing import Any


class LiftosError(Exception):
    """The API refused a request.

    Attributes:
        status: of HTTP; 0 if there was no answer.
        code: stable name of the error, such as `memory.not_found`.
        detail: one sentence.
        errors: invalid fields, each with `loc` and `msg`.
        correlation_id: under which the service logged the request.
        problem: the whole answer.
    """

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        """Keep the answer's problem details."""
        self.status = status
        self.problem = dict(problem)
        self.code = str(problem.get("code", ""))
        self.detail = str(problem.get("detail") or f"The service answered {status}.")
        self.errors: list[dict[str, Any]] = list(problem.get("errors") or ())
        self.correlation_id = str(problem.get("correlation_id", ""))
        fields = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in self.errors)
        super().__init__(f"{self.detail} ({fields})" if fields and fields != self.detail else self.detail)


class InvalidRequest(LiftosError):
    """400, 413, 415, 422: the request is invalid; `errors` names the fields."""


class NotAuthenticated(LiftosError):
    """401: no valid key."""


class PermissionDenied(LiftosError):
    """403: the key may not do this."""


class NotFound(LiftosError):
    """404: there is no such thing, or the key may not see it."""


class Conflict(LiftosError):
    """409: the present state forbids it; `problem["memory_id"]` may name the other memory."""


class PreconditionFailed(LiftosError):
    """412, 428: the version is not the current one."""


class TooManyRequests(LiftosError):
    """429: over a limit, also after the retries."""


class ServerError(LiftosError):
    """5xx: the service failed, also after the retries."""


class Unreachable(LiftosError):
    """No answer: refused, interrupted or timed out, also after the retries."""


_BY_STATUS: dict[int, type[LiftosError]] = {
    400: InvalidRequest,
    401: NotAuthenticated,
    403: PermissionDenied,
    404: NotFound,
    409: Conflict,
    412: PreconditionFailed,
    413: InvalidRequest,
    415: InvalidRequest,
    422: InvalidRequest,
    428: PreconditionFailed,
    429: TooManyRequests,
}


def error_of(status: int, problem: Mapping[str, Any]) -> LiftosError:
    """Return the error for an answer."""
    kind = ServerError if status >= 500 else _BY_STATUS.get(status, LiftosError)
    return kind(status, problem)
