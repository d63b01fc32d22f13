"""Security headers of admin pages."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

# the theme uses Alpine, which evaluates attributes (unsafe-eval) and sets inline styles; there are no inline scripts
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
    """Adds a Content-Security-Policy and, unless set, Cache-Control: no-store to admin pages."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Return the response with its headers."""
        response = self.get_response(request)
        if request.path.startswith("/admin/"):
            response.headers.setdefault("Content-Security-Policy", POLICY)
            response.headers.setdefault("Cache-Control", "no-store")
        return response
