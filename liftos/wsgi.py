"""Django's handler, which the web server calls in threads (liftos.runtime.web.bridge)."""

import os
import re
from collections.abc import Callable, Iterable
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "liftos.settings")

from django.core.wsgi import get_wsgi_application

from liftos.kernel.http.limits import unusable_limits
from liftos.kernel.telemetry.tracing.options import refuse_to_start_misconfigured
from liftos.kernel.tenancy.sign_in.providers import unusable_providers
from liftos.kernel.tenancy.tokens.issuers import unusable_issuers

_CHARSET = re.compile(r";\s*charset\s*=[^;]*", re.IGNORECASE)
_serve = get_wsgi_application()
refuse_to_start_misconfigured()
if _problems := [*unusable_limits(), *unusable_issuers(), *unusable_providers()]:
    raise SystemExit(f"error: {' '.join(_problems)}")


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Handle a request whose body has been read."""
    # JSON is always UTF-8, and Django would fail on an unknown charset before our code runs
    environ["CONTENT_TYPE"] = _CHARSET.sub("", environ.get("CONTENT_TYPE", ""))
    return _serve(environ, start_response)
