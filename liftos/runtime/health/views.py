"""Routes of no app: name, health and readiness; and the handlers of unknown paths and errors."""

import sys
from datetime import UTC, datetime

from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseRedirectBase
from django.urls import Resolver404, resolve
from django.utils.encoding import escape_uri_path
from rest_framework.request import Request
from rest_framework.response import Response

from liftos.kernel.errors import NotFound
from liftos.kernel.http.envelope import Envelope
from liftos.kernel.http.errors import BadRequest, InternalError, answer_outside_views, as_liftos_error
from liftos.kernel.http.openapi import described
from liftos.kernel.http.views import PublicCompatView
from liftos.kernel.telemetry.metrics.load import HEADER
from liftos.kernel.telemetry.tracing.context import current_context
from liftos.kernel.tenancy.models import Organisation
from liftos.runtime.health import health
from liftos.runtime.health.alerts import raised
from liftos.runtime.health.schemas import HealthOut, ReadyOut

VERSION = "2.0.0"


class Root(PublicCompatView):
    """`GET /`."""

    @described("root", responses={200: Envelope}, auth=[])
    def get(self, request: Request) -> Response:
        """Return the service's name and version."""
        data = {"version": VERSION, "kse_integration": True, "docs": "/docs"}
        return self.envelope("Lift OS Core Memory Service", data)


class Health(PublicCompatView):
    """`GET /health`."""

    @described("health", responses={200: HealthOut}, auth=[])
    def get(self, request: Request) -> Response:
        """Return the service's health; 200 also if degraded."""
        parts = health.check_database().ok and health.check_redis().ok and health.check_embeddings().ok
        healthy = parts and not raised()
        try:
            organisations = Organisation.objects.count()
        except (DatabaseError, InterfaceError):
            organisations = 0
        return Response(
            {
                "status": "healthy" if healthy else "degraded",
                "timestamp": _now(),
                "version": VERSION,
                "dependencies": health.dependencies(healthy=healthy, organisations=organisations),
                "uptime": health.uptime(),
            }
        )


class Ready(PublicCompatView):
    """`GET /ready`."""

    @described("ready", responses={200: ReadyOut, 503: ReadyOut}, auth=[])
    def get(self, request: Request) -> Response:
        """Return whether requests can be served, which requires the database and its tables.

        The header `endpoint-load-metrics` contains the process's load, for load balancers.
        """
        checks = {"database": health.check_database(), "migrations": health.check_migrations()}
        if not all(check.ok for check in checks.values()):
            return Response({"detail": "Service memory not ready"}, status=503)
        checks["redis"] = health.check_redis()
        load = health.load()
        checks["events"] = health.check_events()
        checks["load"] = health.Check(ok=True, result=f"{load.application:.3f}")
        shown = {
            name: {"status": "ready" if check.ok else "not ready", "result": check.result}
            for name, check in checks.items()
        }
        return Response(
            {"status": "ready", "service": "memory", "timestamp": _now(), "checks": shown},
            headers={HEADER: load.as_header()},
        )


def no_such_page(request: HttpRequest, **rest: str) -> HttpResponse:
    """Answer 404 for a path that a library's pattern would match."""
    return answer_outside_views(request.path, NotFound())


class TemporaryRedirect(HttpResponseRedirectBase):
    """307: repeat the request with the same method and body."""

    status_code = 307


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer an unknown path with 404, or redirect if it differs from a known one by a trailing slash, as before."""
    path = request.path
    other = path[:-1] if path.endswith("/") else f"{path}/"
    if len(other) > 1 and _resolves(other):
        query = request.META.get("QUERY_STRING", "")
        there = escape_uri_path(other)
        return TemporaryRedirect(f"{there}?{query}" if query else there)
    return answer_outside_views(path, NotFound())


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer a request that Django rejects."""
    return answer_outside_views(request.path, BadRequest())


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer a failure outside any view: 503 if the database is unavailable, else 500."""
    known = as_liftos_error(sys.exception())
    if known.status == 500:
        known = InternalError(f"Request failed: correlation id {current_context().correlation_id}")
    return answer_outside_views(request.path, known)


def _resolves(path: str) -> bool:
    try:
        # the admin's catch-all matches everything below /admin/
        return resolve(path).func.__name__ != "catch_all_view"
    except Resolver404:
        return False


def _now() -> str:
    return datetime.now(UTC).replace(tzinfo=None).isoformat(timespec="microseconds")
