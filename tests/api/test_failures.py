"""Server errors: a stable answer with the correlation id; the reason only in the log."""

import io
import json
import logging

import psycopg
import pytest
from django.db import InterfaceError, OperationalError

from liftos.kernel.telemetry.logs import ContextFilter
from liftos.wsgi import application
from tests.api.routes import body_for

SECRET = "password=hunter2 at 10.1.2.3"
OLD = [
    ("/search", "liftos.compat.routes.memory.search", "Enhanced memory search failed"),
    ("/search/neural", "liftos.compat.routes.memory.search", "Enhanced memory search failed"),
    ("/search/knowledge", "liftos.compat.routes.memory.search", "Enhanced memory search failed"),
    ("/store", "memory.operations.commit_one", "Enhanced memory storage failed"),
]
NATIVE = [
    ("/api/v1/search", "memory.api.search.search"),
    ("/api/v1/memories", "memory.operations.commit_one"),
]
BODY = {"query": "x", "content": "x"}


def body_of(path):
    """A body that the route knows: the old ones ignore what they don't."""
    return json.loads(body_for(path))


@pytest.fixture
def broken(monkeypatch):
    def break_it(name, error):
        def fail(*args, **kwargs):
            raise error

        monkeypatch.setattr(name, fail)

    return break_it


@pytest.mark.parametrize(("path", "name", "lead"), OLD)
def test_the_old_500_keeps_its_leading_words(acme, broken, caplog, path, name, lead):
    broken(name, RuntimeError(SECRET))
    with caplog.at_level(logging.ERROR, logger="liftos"):
        response = acme.post(path, BODY, **{"x-correlation-id": "c-1"})
    assert response.status_code == 500
    assert response.json() == {"detail": f"{lead}: correlation id c-1"}
    assert [record.exc_info[1].args for record in caplog.records if record.exc_info] == [(SECRET,)]


@pytest.mark.parametrize(("path", "name"), NATIVE)
def test_a_native_500_is_a_problem_without_the_reason(acme, broken, path, name):
    broken(name, RuntimeError(SECRET))
    response = acme.post(path, body_of(path), **{"x-correlation-id": "c-1"})
    assert response.status_code == 500
    assert response["Content-Type"] == "application/problem+json"
    assert list(response.json()) == ["type", "title", "status", "detail", "code", "correlation_id"]
    assert response.json()["correlation_id"] == "c-1"
    assert SECRET not in response.content.decode()


@pytest.mark.parametrize(("path", "name"), [*((path, name) for path, name, _ in OLD), *NATIVE])
def test_an_absent_database_is_503(acme, broken, path, name):
    for kind in (OperationalError, InterfaceError, psycopg.OperationalError, psycopg.InterfaceError):
        broken(name, kind(SECRET))
        response = acme.post(path, body_of(path))
        assert response.status_code == 503
        assert int(response["Retry-After"]) > 0
        assert SECRET not in response.content.decode()
        assert response.json()["detail"] == "The database is not available."


def test_an_absent_database_is_503_before_the_caller_is_known(acme, broken):
    broken("liftos.kernel.tenancy.known_keys.get_key_record", OperationalError(SECRET))
    assert acme.post("/search", BODY).status_code == 503


OUTSIDE = {
    "/metrics": "liftos.urls.ExportToDjangoView",
    "/api/v1/memories": "liftos.kernel.http.middleware.StraightToTheView.__call__",
    "/health": "django.contrib.sessions.middleware.SessionMiddleware.process_request",
    "/admin/login/": "django.contrib.admin.sites.AdminSite.each_context",
    "/nowhere": "liftos.runtime.health.views.not_found",
}


@pytest.mark.parametrize("path", OUTSIDE)
def test_failure_outside_views_logs_traceback_and_correlation_id(acme, monkeypatch, caplog, path):
    def fail(*args, **kwargs):
        raise RuntimeError(SECRET)

    if path == "/nowhere":
        monkeypatch.setattr("liftos.runtime.health.views._resolves", fail)
    else:
        monkeypatch.setattr(OUTSIDE[path], fail)
    context = ContextFilter()
    caplog.handler.addFilter(context)
    with caplog.at_level(logging.ERROR, logger="liftos"):
        response = acme.client.get(path, headers={"x-correlation-id": "c-1"})
    caplog.handler.removeFilter(context)
    assert response.status_code == 500
    assert "c-1" in response.json()["detail"]
    assert SECRET not in response.content.decode()
    [record] = [each for each in caplog.records if each.exc_info]
    assert record.exc_info[1].args == (SECRET,)
    assert (record.correlation_id, record.path) == ("c-1", path)


def test_a_database_that_is_away_from_the_admin_is_503(acme, broken):
    broken("django.contrib.admin.sites.AdminSite.each_context", OperationalError(SECRET))
    response = acme.client.get("/admin/login/")
    assert (response.status_code, response["Retry-After"]) == (503, "2")


@pytest.mark.parametrize("path", ["/metrics", "/api/v1/memories"])
def test_a_failure_outside_of_views_is_answered_in_style(acme, broken, path):
    broken("liftos.urls.ExportToDjangoView", RuntimeError(SECRET))
    broken("django.contrib.sessions.middleware.SessionMiddleware.process_request", RuntimeError(SECRET))
    broken("liftos.kernel.http.middleware.StraightToTheView.__call__", RuntimeError(SECRET))
    response = acme.client.get(path, headers={"x-correlation-id": "c-1"})
    assert response.status_code == 500
    assert response["X-Correlation-Id"] == "c-1"
    assert response.json()["detail"] == "Request failed: correlation id c-1"
    assert SECRET not in response.content.decode()


class Broken:
    """A connection that ends before its body does."""

    def read(self, *args):
        raise OSError(SECRET)

    readline = read


@pytest.mark.parametrize("path", ["/search", "/api/v1/memories/bulk"])
def test_a_body_that_breaks_off_is_400(acme, path):
    response = acme.client.generic(
        "POST",
        path,
        b"{}",
        content_type="application/json",
        headers={"authorization": f"Bearer {acme.token}"},
        **{"wsgi.input": Broken()},
    )
    assert response.status_code == 400
    assert SECRET not in response.content.decode()


@pytest.mark.parametrize("charset", ["base64", "rot13"])
def test_charset_other_than_a_text_encoding_is_answered(charset):
    statuses = []
    environ = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": "/nowhere",
        "QUERY_STRING": "a=1",
        "CONTENT_TYPE": f"application/json; charset={charset}",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(),
    }
    application(environ, lambda status, headers: statuses.append(status))
    assert statuses == ["404 Not Found"]
