"""From an exception to an answer: the seed's `{"detail": …}` on its routes, problem details (RFC 9457) on ours."""

import logging
from typing import Any

import psycopg
from django.db import InterfaceError, OperationalError
from django.http import Http404
from rest_framework import exceptions
from rest_framework.response import Response

from liftos.api.parsing import InvalidRequest
from liftos.errors import LiftosError, NotAuthenticated, NotFound, Unavailable
from liftos.observability.context import current_context

logger = logging.getLogger("liftos.api")

TITLES = {
    400: "Bad request", 401: "Unauthorised", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed",
    409: "Conflict", 413: "Payload too large", 422: "Unprocessable content", 500: "Internal error",
    503: "Unavailable",
}  # fmt: skip
# raw cursors raise psycopg's own, Django's cursors the wrapped ones
DATABASE_GONE = (OperationalError, InterfaceError, psycopg.OperationalError, psycopg.InterfaceError)


class InternalError(LiftosError):
    """Something failed on our side."""

    code = "liftos.internal"
    status = 500


class MethodNotAllowed(LiftosError):
    """Method Not Allowed"""  # noqa: D415  the contract's exact words

    code = "liftos.method_not_allowed"
    status = 405


def handle_exception(error: Exception, context: dict[str, Any]) -> Response:
    """Return the response for an exception raised in a view; what we did not foresee is logged whole, shown not at all."""
    view = context["view"]
    known = as_liftos_error(error)
    if known.status >= 500:
        logger.error(
            "request failed",
            exc_info=error,
            extra={"path": context["request"].path, "code": known.code, **known.context},
        )
    if getattr(view, "error_style", "problem") == "seed":
        return _seed_response(known, lead=getattr(view, "failure", "Request failed"))
    return problem(known)


def as_liftos_error(error: Exception) -> LiftosError:
    """Return our own error for any exception."""
    if isinstance(error, LiftosError):
        return error
    if isinstance(error, Http404 | exceptions.NotFound):
        return NotFound()
    if isinstance(error, exceptions.NotAuthenticated | exceptions.AuthenticationFailed):
        return NotAuthenticated()
    if isinstance(error, exceptions.MethodNotAllowed):
        return MethodNotAllowed()
    if isinstance(error, DATABASE_GONE):
        return Unavailable("The database is not available.")
    return InternalError()


def problem(error: LiftosError) -> Response:
    """Return problem details; `detail` is text, `errors` lists the fields at fault."""
    correlation_id = current_context().correlation_id
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": TITLES.get(error.status, "Error"),
        "status": error.status,
        "detail": error.message,
        "code": error.code,
        "correlation_id": correlation_id,
    }
    if isinstance(error, InvalidRequest):
        body["errors"] = error.items
    elif error.loc:
        body["errors"] = [
            {"type": error.code, "loc": ["body", *error.loc], "msg": error.message, "input": None}
        ]
    return _respond(error, body, "application/problem+json")


def _seed_response(error: LiftosError, lead: str) -> Response:
    detail: Any = error.message
    if isinstance(error, InvalidRequest):
        detail = error.items
    elif error.status == 422:
        detail = [{"type": error.code, "loc": ["body", *error.loc], "msg": error.message, "input": None}]
    elif error.status == 500:
        # the original put the exception's text here; its leading words stay, a correlation id takes its place
        detail = f"{lead}: correlation id {current_context().correlation_id}"
    return _respond(error, {"detail": detail}, "application/json")


def _respond(error: LiftosError, body: dict[str, Any], content_type: str) -> Response:
    response = Response(body, status=error.status, content_type=content_type)
    if error.status == 401:
        response["WWW-Authenticate"] = 'Bearer realm="liftos"'
    if error.status == 503:
        response["Retry-After"] = "2"
    return response
