"""Error responses: `{"detail": …}` on compat routes, problem details (RFC 9457) on native ones."""

import logging
import sys
from typing import Any

import psycopg
from django.core.exceptions import SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpResponse
from django.http.request import UnreadablePostError
from rest_framework import exceptions
from rest_framework.response import Response

from liftos.kernel.deadlines import TookTooLong
from liftos.kernel.errors import LiftosError, NotAuthenticated, NotFound, Unavailable
from liftos.kernel.http.dump import dump_json
from liftos.kernel.http.limits import TooManyRequests
from liftos.kernel.http.parsing import InvalidRequest, item
from liftos.kernel.telemetry.tracing.context import current_context
from liftos.kernel.telemetry.tracing.spans import current_span

logger = logging.getLogger("liftos.kernel.http")

TITLES = {
    400: "Bad request", 401: "Unauthorised", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed",
    409: "Conflict", 410: "Gone", 412: "Precondition Failed", 413: "Payload too large",
    415: "Unsupported Media Type", 422: "Unprocessable content", 500: "Internal error",
    428: "Precondition Required", 429: "Too Many Requests", 503: "Unavailable",
}  # fmt: skip
# seconds, for temporarily unavailable services
RETRY_AFTER = "2"
# raw cursors raise psycopg's errors, Django's cursors wrap them
OUT_OF_TIME = psycopg.errors.QueryCanceled
DATABASE_GONE = (OperationalError, InterfaceError, psycopg.OperationalError, psycopg.InterfaceError)


class InternalError(LiftosError):
    """Internal error."""

    code = "liftos.internal"
    status = 500


class BadRequest(LiftosError):
    """Bad request"""  # noqa: D415  as short as the contract's own

    status = 400


class AnswerTooLarge(LiftosError):
    """The response would be too large; use a smaller limit or fewer queries."""

    status = 413


class MethodNotAllowed(LiftosError):
    """Method Not Allowed"""  # noqa: D415  the contract's exact words

    status = 405


def handle_exception(error: Exception, context: dict[str, Any]) -> Response:
    """Return the response for an exception raised in a view; details of 5xx errors go to the log only."""
    view = context["view"]
    known = as_liftos_error(error)
    if known.status >= 500:
        span = current_span()
        if span is not None:
            span.record_error(error)
        logger.error(
            "request failed",
            exc_info=error,
            extra={"path": context["request"].path, "code": known.code, **known.context},
        )
    as_other_product = getattr(view, "error_body", None)
    if as_other_product is not None:
        return _respond(known, as_other_product(known), "application/json")
    if getattr(view, "error_style", "problem") == "compat":
        return _compat_response(known, lead=getattr(view, "failure", "Request failed"))
    return problem(known)


def log_uncaught(sender: Any, **kwargs: Any) -> None:
    """Log an exception from middleware or an admin page; receiver of got_request_exception."""
    del sender
    error, request = sys.exception(), kwargs.get("request")
    known = as_liftos_error(error)
    if known.status < 500:
        return
    span = current_span()
    if span is not None and error is not None:
        span.record_error(error)
    logger.error(
        "request failed",
        exc_info=error,
        extra={"path": getattr(request, "path", ""), "code": known.code, **known.context},
    )


def as_liftos_error(error: BaseException | None) -> LiftosError:
    """Return the LiftosError that represents any exception."""
    if isinstance(error, LiftosError):
        return error
    if isinstance(error, Http404 | exceptions.NotFound):
        return NotFound()
    if isinstance(error, exceptions.NotAuthenticated | exceptions.AuthenticationFailed):
        return NotAuthenticated()
    if isinstance(error, exceptions.MethodNotAllowed):
        return MethodNotAllowed()
    if isinstance(error, SuspiciousOperation | UnreadablePostError):
        return BadRequest()  # Django's own limits (a thousand query parameters), or a truncated body
    if isinstance(error, OUT_OF_TIME) or isinstance(getattr(error, "__cause__", None), OUT_OF_TIME):
        return TookTooLong()
    if isinstance(error, DATABASE_GONE):
        return Unavailable("The database is not available.")
    return InternalError()


def problem(error: LiftosError) -> Response:
    """Return problem details; `detail` is text, `errors` lists invalid fields."""
    return _respond(error, _problem_body(error), "application/problem+json")


def answer_outside_views(path: str, error: LiftosError) -> HttpResponse:
    """Return the error response for a request that reaches no view, in the style of its path."""
    if path.startswith("/api/v1/"):
        body, content_type = _problem_body(error), "application/problem+json"
    else:
        body, content_type = {"detail": error.message}, "application/json"
    response = HttpResponse(dump_json(body), status=error.status, content_type=content_type)
    if error.status == 503:
        response["Retry-After"] = RETRY_AFTER
    return response


def _problem_body(error: LiftosError) -> dict[str, Any]:
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": TITLES.get(error.status, "Error"),
        "status": error.status,
        "detail": error.message,
        "code": error.code,
        "correlation_id": current_context().correlation_id,
    }
    if error.loc:
        body["errors"] = _items(error)
    return body | getattr(error, "extensions", {})


def _compat_response(error: LiftosError, lead: str) -> Response:
    detail: Any = error.message
    if error.status == 422:
        detail = _items(error)
    elif error.status == 500:
        # the original service returned the exception's text after the same leading words
        detail = f"{lead}: correlation id {current_context().correlation_id}"
    return _respond(error, {"detail": detail}, "application/json")


def _items(error: LiftosError) -> list[dict[str, Any]]:
    if isinstance(error, InvalidRequest):
        return error.items
    place = error.loc if error.loc[:1] in {("header",), ("query",)} else ("body", *error.loc)
    return [item(error.code, place, error.message)]


def _respond(error: LiftosError, body: dict[str, Any], content_type: str) -> Response:
    response = Response(body, status=error.status, content_type=content_type)
    if error.status == 401:
        response["WWW-Authenticate"] = 'Bearer realm="liftos"'
    if error.status == 503:
        response["Retry-After"] = RETRY_AFTER
    if isinstance(error, TooManyRequests):
        response["Retry-After"] = str(error.retry_after)
    return response
