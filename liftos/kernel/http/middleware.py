"""Middleware in front of the views: CORS headers, the body size limit, a shortcut for the API."""

from collections.abc import Callable
from typing import Any

from corsheaders.middleware import CorsMiddleware
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from liftos.kernel.errors import LiftosError, TooLarge
from liftos.kernel.http.errors import BadRequest, answer_outside_views

BULK_PATHS = ("/api/v1/memories/bulk",)
BATCH_PATHS = (
    "/marketing/ingest",
    "/marketing/transform",
    "/api/v1/marketing/entries",
    "/api/v1/data/ingest",
)
UPLOAD_PATHS = ("/api/v1/documents", "/admin/memory/document/upload/")
# for the other parts of a multipart body
AROUND_FILE = 1024 * 1024
API_PATHS = ("/api/", "/search", "/store", "/marketing")


def body_limit(path: str) -> int:
    """Return the maximum body size for a path, in bytes."""
    if path in UPLOAD_PATHS:
        return settings.LIFTOS_DOCUMENT_BYTES + AROUND_FILE
    if path in BATCH_PATHS:
        return settings.LIFTOS_MAX_BATCH_BYTES
    return settings.LIFTOS_MAX_BULK_BYTES if path in BULK_PATHS else settings.LIFTOS_MAX_BODY_BYTES


class AnyHeaderCorsMiddleware(CorsMiddleware):
    """CORS as in the old service: an allowed origin may send any header it asks for."""

    def add_response_headers(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """Allow the headers a preflight asks for, besides those always allowed."""
        response = super().add_response_headers(request, response)
        asked = request.headers.get("access-control-request-headers")
        if asked and "access-control-allow-headers" in response:
            response["access-control-allow-headers"] += f", {asked}"
        return response


class BodyLimitMiddleware:
    """Answers 413 by Content-Length; the web server sets it for chunked bodies."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Reject a request whose body is too large."""
        declared, limit = request.META.get("CONTENT_LENGTH") or "0", body_limit(request.path)
        if not (declared.isascii() and declared.isdigit() and len(declared) < 20):
            error: LiftosError = BadRequest("The Content-Length header is not a valid number.")
            return answer_outside_views(request.path, error)
        if int(declared) > limit:
            error = TooLarge(f"The request body is larger than {limit} bytes.")
            return answer_outside_views(request.path, error)
        return self.get_response(request)


class StraightToTheView:
    """Lets API requests skip the remaining middleware: static files, sessions, CSRF, messages, the admin.

    Those are for browsers, and each would cost an API request a few microseconds.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self._view = _innermost(get_response)

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Call the view directly for API paths, else the next middleware."""
        if request.path_info.startswith(API_PATHS):
            return self._view(request)
        return self.get_response(request)


def _innermost(handler: Any) -> Callable[[HttpRequest], HttpResponse]:
    """Return the end of Django's middleware chain, which calls the view (BaseHandler.load_middleware)."""
    while (following := getattr(handler.__wrapped__, "get_response", None)) is not None:
        handler = following
    return handler
