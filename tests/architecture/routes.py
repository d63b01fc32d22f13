"""The API's routes, from the URL configuration."""

import re
from collections.abc import Iterator

from django.urls import URLPattern, URLResolver, get_resolver

from liftos.kernel.http.views import LiftosView


def routes(base: type[LiftosView] = LiftosView) -> list[str]:
    """Return "METHOD /path" for every route of ours whose view is of a kind, path parameters as {name}."""
    return sorted(_walk(get_resolver().url_patterns, "/", base))


def _walk(patterns: list[URLPattern | URLResolver], prefix: str, base: type[LiftosView]) -> Iterator[str]:
    for pattern in patterns:
        path = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _walk(pattern.url_patterns, path, base)
            continue
        view = getattr(pattern.callback, "view_class", None)
        if view is not None and issubclass(view, LiftosView):
            shown = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", path)
            for method in ("get", "post", "put", "patch", "delete"):
                if hasattr(view, method) and issubclass(view.shared_by.get(method, view), base):
                    yield f"{method.upper()} {shown}"
