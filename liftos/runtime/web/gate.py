"""Authentication before a request reaches a view: of large bodies, and of tool servers.

In the contract, a body's JSON syntax is checked before the credential, so small bodies are read from anybody; larger ones
require a valid credential.
"""

from typing import Any

from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.sessions.backends.db import SessionStore
from django.core.handlers.wsgi import WSGIRequest
from django.db import connections
from django.http import HttpRequest

from liftos.kernel.errors import LiftosError
from liftos.kernel.tenancy.authentication import authenticate_request

# bytes read without a credential
ANYBODY = 64 * 1024


def may_send(environ: dict[str, Any]) -> bool:
    """Return whether a request's headers contain a valid credential; called in a thread, outside a request."""
    request = _request_of(environ)
    if request.path_info.startswith("/admin/"):
        try:
            return _is_signed_in(request)
        finally:
            connections.close_all()
    return refusal(environ) is None


def refusal(environ: dict[str, Any]) -> LiftosError | None:
    """Return why the API refuses a request's credential, or None; called in a thread, outside a request."""
    try:
        authenticate_request(_request_of(environ))
    except LiftosError as error:
        return error
    finally:
        connections.close_all()
    return None


def _request_of(environ: dict[str, Any]) -> WSGIRequest:
    """Return a request of its own environment: it decodes the path in place, and the view's request would decode it again."""
    return WSGIRequest({**environ})


def _is_signed_in(request: HttpRequest) -> bool:
    request.session = SessionStore(request.COOKIES.get(settings.SESSION_COOKIE_NAME))
    return get_user(request).is_authenticated
