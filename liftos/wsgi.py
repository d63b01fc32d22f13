"""The WSGI application."""

import os
import re
from collections.abc import Callable, Iterable
from tempfile import SpooledTemporaryFile
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "liftos.settings")

from django.core.wsgi import get_wsgi_application

from liftos.api.limits import unusable_limits
from liftos.api.middleware import body_limit
from liftos.observability.options import refuse_to_start_misconfigured

_CHUNK = 64 * 1024
_CHARSET = re.compile(r";\s*charset\s*=[^;]*", re.IGNORECASE)
_serve = get_wsgi_application()
refuse_to_start_misconfigured()
if _problems := unusable_limits():
    raise SystemExit(f"error: {' '.join(_problems)}")


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Serve a request; a chunked body is measured first, because Django reads only bodies of declared length."""
    # JSON is UTF-8 whatever is declared, and Django looks a declared charset up before any of our code runs
    environ["CONTENT_TYPE"] = _CHARSET.sub("", environ.get("CONTENT_TYPE", ""))
    if "chunked" not in environ.get("HTTP_TRANSFER_ENCODING", "").lower():
        return _serve(environ, start_response)
    with SpooledTemporaryFile(max_size=1024 * 1024) as body:
        environ["CONTENT_LENGTH"] = str(
            _copy(environ["wsgi.input"], body, body_limit(environ.get("PATH_INFO", "")))
        )
        body.seek(0)
        environ["wsgi.input"] = body
        # read out before the body's file closes; closing the response gives its connection back
        response: Any = _serve(environ, start_response)
        try:
            return [b"".join(response)]
        finally:
            response.close()


def _copy(source: Any, target: Any, limit: int) -> int:
    """Copy until the end or just past the limit, so that what is too long shows as too long."""
    length = 0
    while length <= limit and (chunk := source.read(_CHUNK)):
        target.write(chunk)
        length += len(chunk)
    return length
