"""What is settled before a view: cross-origin headers, and a body that is too large to be read."""

from collections.abc import Callable
from typing import Any

from corsheaders.middleware import CorsMiddleware
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from liftos.kernel.errors import LiftosError, TooLarge
from liftos.kernel.http.errors import BadRequest, answer_outside_views

BULK_PATHS = ("/api/v1/memories/bulk",)
API_PATHS = ("/api/", "/search", "/store")


def body_limit(path: str) -> int:
    """Return how many bytes a body for this path may have."""
    return settings.LIFTOS_MAX_BULK_BYTES if path in BULK_PATHS else settings.LIFTOS_MAX_BODY_BYTES


class AnyHeaderCorsMiddleware(CorsMiddleware):
    """CORS as the old service's: a permitted origin may send any header it asks for."""

    def add_response_headers(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """Add the headers that a preflight asks for to those allowed in any case."""
        response = super().add_response_headers(request, response)
        asked = request.headers.get("access-control-request-headers")
        if asked and "access-control-allow-headers" in response:
            response["access-control-allow-headers"] += f", {asked}"
        return response


class BodyLimitMiddleware:
    """Answers 413 by the declared length; wsgi.py gives a chunked body its true one."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass the request on, or answer for it."""
        declared, limit = request.META.get("CONTENT_LENGTH") or "0", body_limit(request.path)
        if not (declared.isascii() and declared.isdigit() and len(declared) < 20):
            error: LiftosError = BadRequest("The Content-Length header is not a usable number.")
            return answer_outside_views(request.path, error)
        if int(declared) > limit:
            error = TooLarge(f"The request body is larger than {limit} bytes.")
            return answer_outside_views(request.path, error)
        return self.get_response(request)


class StraightToTheView:
    """Takes requests of the API past the middleware that follows: static files, sessions, CSRF, messages, the admin.

    Those serve people with a browser. A caller has a key, and each of them would cost it a few microseconds.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self._view = _innermost(get_response)

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass the request on, by the short way or the long one."""
        if request.path_info.startswith(API_PATHS):
            return self._view(request)
        return self.get_response(request)


def _innermost(handler: Any) -> Callable[[HttpRequest], HttpResponse]:
    """Return what calls the view, at the end of the chain that Django builds (BaseHandler.load_middleware)."""
    while (following := getattr(handler.__wrapped__, "get_response", None)) is not None:
        handler = following
    return handler
