"""What browsers are told about the admin's pages."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

# Alpine, with which the theme is made, evaluates its attributes (unsafe-eval) and sets styles; no script stands in a page
_DIRECTIVES = (
    "default-src 'none'",
    "script-src 'self' 'unsafe-eval'",
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
)
POLICY = "; ".join(_DIRECTIVES)


class AdminHeaders:
    """Adds a Content-Security-Policy to the admin's pages, and keeps them out of caches where Django does not."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Serve the page with its headers."""
        response = self.get_response(request)
        if request.path.startswith("/admin/"):
            response.headers.setdefault("Content-Security-Policy", POLICY)
            response.headers.setdefault("Cache-Control", "no-store")
        return response
