"""Requests of the API go past the middleware that serves people, and keep every header that they had."""

import pytest
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.middleware.csrf import CsrfViewMiddleware

from liftos.kernel.http.middleware import API_PATHS
from tests.architecture.routes import routes

HEADERS = {
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
LATER = (SessionMiddleware, CsrfViewMiddleware, MessageMiddleware)


@pytest.fixture
def visited(monkeypatch):
    """The later middleware that a request passed."""
    passed = []
    for kind in LATER:

        def process_request(self, request, kind=kind, original=kind.process_request):
            passed.append(kind)
            return original(self, request)

        monkeypatch.setattr(kind, "process_request", process_request)
    return passed


@pytest.mark.parametrize("path", ["/api/v1/memories", "/api/v1/nothing"])
def test_the_api_goes_the_short_way_with_every_header(acme, visited, path):
    response = acme.get(path)
    assert visited == []
    assert {name: response[name] for name in HEADERS} == HEADERS
    assert int(response["Content-Length"]) == len(response.content)
    assert response["X-Correlation-Id"]


def test_the_old_routes_go_the_short_way(acme, visited):
    assert acme.post("/search", {"query": "x"}).status_code == 200
    assert visited == []


@pytest.mark.parametrize("path", ["/docs", "/health"])
def test_other_paths_go_the_long_way(acme, visited, path):
    assert acme.client.get(path).status_code == 200
    assert visited == list(LATER)


def test_a_strange_host_is_refused_on_the_short_way_too(acme):
    assert acme.client.get("/api/v1/memories", headers={"host": "evil.example"}).status_code == 400


def test_no_page_lies_on_the_short_way():
    pages = ("/admin", "/static", "/docs", "/redoc", "/metrics", "/openapi.json")
    assert [page for page in pages if page.startswith(API_PATHS)] == []
    assert [
        route for route in routes() if route.startswith("/api/") and not route.startswith("/api/v1/")
    ] == []
