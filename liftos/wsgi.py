"""The WSGI application."""

import os
from collections.abc import Callable, Iterable
from tempfile import SpooledTemporaryFile
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "liftos.settings")

from django.core.wsgi import get_wsgi_application

from liftos.api.middleware import body_limit

_CHUNK = 64 * 1024
_serve = get_wsgi_application()


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Serve a request; a chunked body is measured first, because Django reads only bodies of declared length."""
    if "chunked" not in environ.get("HTTP_TRANSFER_ENCODING", "").lower():
        return _serve(environ, start_response)
    with SpooledTemporaryFile(max_size=1024 * 1024) as body:
        environ["CONTENT_LENGTH"] = str(
            _copy(environ["wsgi.input"], body, body_limit(environ.get("PATH_INFO", "")))
        )
        body.seek(0)
        environ["wsgi.input"] = body
        # rendered before the body's file closes: our responses do not stream from it
        return list(_serve(environ, start_response))


def _copy(source: Any, target: Any, limit: int) -> int:
    """Copy until the end or just past the limit, so that what is too long shows as too long."""
    length = 0
    while length <= limit and (chunk := source.read(_CHUNK)):
        target.write(chunk)
        length += len(chunk)
    return length
