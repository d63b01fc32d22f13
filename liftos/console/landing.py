"""The page that browsers get at `/`. Programs get the old service's JSON there."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.cache import patch_vary_headers

View = Callable[..., HttpResponseBase]

POLICY = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


def landing(request: HttpRequest) -> HttpResponse:
    """Render what the service is, where its pages are, and a first store and search."""
    address = f"{request.scheme}://{request.get_host()}"
    page = render(request, "liftos/landing.html", {"address": address})
    page.headers["Content-Security-Policy"] = POLICY
    return page


def with_landing(view: View) -> View:
    """Return a view that answers as `view` does, but with the landing page where HTML is preferred to JSON."""

    @wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        prefers_page = request.get_preferred_type(["application/json", "text/html"]) == "text/html"
        chosen = landing if prefers_page and request.method in {"GET", "HEAD"} else view
        response = chosen(request, *args, **kwargs)
        patch_vary_headers(response, ["Accept"])
        return response

    return answer
