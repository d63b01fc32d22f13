"""The outermost middleware: gives every request a context and a root span, and every response its ids."""

import logging
import re
from collections.abc import Callable
from functools import lru_cache
from time import perf_counter_ns

from django.http import HttpRequest, HttpResponse

from liftos.kernel.db.viewers import EVERYBODY, set_viewer
from liftos.kernel.telemetry.manager import get_observability
from liftos.kernel.telemetry.metrics.load import METER
from liftos.kernel.telemetry.tracing.context import start_context, use_context
from liftos.kernel.telemetry.tracing.spans import Span
from liftos.kernel.tenancy.types import Principal

logger = logging.getLogger("liftos.http")

METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})
_CONVERTER = re.compile(r"<(?:\w+:)?(\w+)>")


class RequestContextMiddleware:
    """Trace, count and log every request, and return its ids as response headers."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Handle a request inside its own context."""
        start = perf_counter_ns()
        context = start_context(
            request.headers.get("x-correlation-id", ""), request.headers.get("traceparent", "")
        )
        observability = get_observability()
        # a thread keeps its viewer for the body of a streamed answer
        set_viewer(EVERYBODY)
        with METER, use_context(context):
            with observability.tracer.span("request", correlation_id=context.correlation_id) as span:
                response = self.get_response(request)
                name, organisation = _name(request), _organisation(request)
                # the web server's fair queue learns from this which organisation a credential belongs to
                request.META["liftos.organisation"] = organisation
                failed = response.status_code >= 500
                if span.recording:
                    _describe(span, name, organisation, response.status_code)
            response["X-Correlation-Id"] = context.correlation_id
            response["X-Trace-Id"] = context.trace_id
            response["traceparent"] = context.traceparent
            duration_ns = perf_counter_ns() - start
            observability.record(name, duration_ns, failed=failed, organisation=organisation)
            logger.info(
                "request",
                extra={
                    "method": request.method,
                    "path": request.path,
                    "status": response.status_code,
                    "duration_ms": round(duration_ns / 1e6, 3),
                },
            )
        return response


def _name(request: HttpRequest) -> str:
    match = request.resolver_match
    return route_name(request.method or "", None if match is None else match.route)


@lru_cache(maxsize=2_000)
def route_name(method: str, route: str | None) -> str:
    """Return the operation name of requests to a route, for example `GET /api/v1/memories/{memory}`.

    Unknown methods and routes are grouped: each name is a permanent time series, and callers must not create any.
    """
    shown = "unmatched" if route is None else "/" + _CONVERTER.sub(r"{\1}", route)
    return f"{method if method in METHODS else 'OTHER'} {shown}"


def _organisation(request: HttpRequest) -> str:
    """Return the id of the request's organisation, or ""."""
    # compare types: isinstance would evaluate Django's lazy user, which costs two queries
    user = getattr(request, "user", None)
    if type(user) is Principal:
        return str(user.organisation)
    chosen = getattr(request, "organisation", None)
    return "" if chosen is None else str(chosen.id)


def _describe(span: Span, name: str, organisation: str, status: int) -> None:
    span.name = name
    span.tags["status"] = status
    if organisation:
        span.tags["organisation"] = organisation
    if status >= 500 and not span.error_type:
        span.error_type = f"HTTP {status}"
