"""The outermost middleware: every request gets its context, every response and log line shows it."""

import logging
from collections.abc import Callable
from time import perf_counter_ns

from django.http import HttpRequest, HttpResponse

from liftos.observability.context import start_context, use_context

logger = logging.getLogger("liftos.http")


class RequestContextMiddleware:
    """Begins the request's context, puts it on the response, and logs one line a request."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Serve one request inside its own context."""
        start = perf_counter_ns()
        context = start_context(
            request.headers.get("x-correlation-id", ""), request.headers.get("traceparent", "")
        )
        with use_context(context):
            response = self.get_response(request)
            response["X-Correlation-Id"] = context.correlation_id
            response["X-Trace-Id"] = context.trace_id
            response["traceparent"] = context.traceparent
            logger.info(
                "request",
                extra={
                    "method": request.method,
                    "path": request.path,
                    "status": response.status_code,
                    "duration_ms": round((perf_counter_ns() - start) / 1e6, 3),
                },
            )
        return response
