"""GET /, /health and /ready, as the old platform's callers know them."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings
from django.db.migrations.executor import MigrationExecutor

from liftos.runtime.health import health, views

NAIVE_MICROSECONDS = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}")
PERCENT = re.compile(r"\d{1,3}\.\d\d%")
COUNT = re.compile(r"\d+")
NOT_OK = health.Check(ok=False, result="not reachable")

DEPENDENCIES = {
    "kse_sdk": re.compile("healthy"),
    "active_contexts": COUNT,
    "embedding_cache_hit_rate": PERCENT,
    "embedding_cache_size": COUNT,
    "memory_operations": COUNT,
    "memory_success_rate": PERCENT,
    "orchestration_cache_hit_rate": PERCENT,
    "total_workflows": COUNT,
    "observability_traces": COUNT,
}


def is_now(text):
    assert NAIVE_MICROSECONDS.fullmatch(text), text
    return abs(datetime.now(UTC).replace(tzinfo=None) - datetime.fromisoformat(text)) < timedelta(seconds=30)


def test_root_says_what_this_is(db, client):
    response = client.get("/")
    body = response.json()
    assert response.status_code == 200
    assert response["Content-Type"] == "application/json"
    assert list(body) == ["success", "message", "data", "errors", "metadata"]
    assert body["success"] is True
    assert body["message"] == "Lift OS Core Memory Service"
    assert list(body["data"]) == ["version", "kse_integration", "docs"]
    assert isinstance(body["data"]["version"], str)
    assert body["data"]["kse_integration"] is True
    assert body["data"]["docs"] == "/docs"
    assert body["errors"] is None
    assert body["metadata"] is None


@pytest.fixture
def no_alerts(monkeypatch):
    """Other tests in this process provoke failures, which raise its alerts."""
    monkeypatch.setattr("liftos.runtime.health.views.raised", list)


def test_health_has_its_five_fields_without_an_envelope(db, client, no_alerts):
    response = client.get("/health")
    body = response.json()
    assert response.status_code == 200
    assert list(body) == ["status", "timestamp", "version", "dependencies", "uptime"]
    assert body["status"] == "healthy"
    assert is_now(body["timestamp"])
    assert isinstance(body["version"], str)
    assert isinstance(body["uptime"], float)
    assert body["uptime"] > 0


def test_health_names_nine_dependencies_as_text(db, client, no_alerts):
    dependencies = client.get("/health").json()["dependencies"]
    assert list(dependencies) == list(DEPENDENCIES)
    for name, form in DEPENDENCIES.items():
        assert form.fullmatch(dependencies[name]), (name, dependencies[name])


def test_health_counts_what_happened(acme):
    before = acme.client.get("/health").json()["dependencies"]
    acme.post("/store", {"content": "One more"})
    acme.post("/search", {"query": "one"})
    after = acme.client.get("/health").json()["dependencies"]
    assert int(after["memory_operations"]) == int(before["memory_operations"]) + 2
    assert int(after["active_contexts"]) == 1


@pytest.mark.parametrize("part", ["check_database", "check_redis", "check_embeddings"])
def test_health_is_200_and_degraded_when_a_part_is_away(db, client, monkeypatch, part):
    monkeypatch.setattr(health, part, lambda: NOT_OK)
    response = client.get("/health")
    assert response.status_code == 200
    assert response.json()["status"] == "degraded"
    assert response.json()["dependencies"]["kse_sdk"] == "degraded"


def test_ready_has_its_four_fields(db, client):
    response = client.get("/ready")
    body = response.json()
    assert response.status_code == 200
    assert list(body) == ["status", "service", "timestamp", "checks"]
    assert (body["status"], body["service"]) == ("ready", "memory")
    assert is_now(body["timestamp"])
    assert {name: check["status"] for name, check in body["checks"].items()} == dict.fromkeys(
        ("database", "migrations", "redis", "events", "load"), "ready"
    )
    assert {tuple(check) for check in body["checks"].values()} == {("status", "result")}


def test_ready_says_how_busy_the_process_is(db, client):
    response = client.get("/ready")
    form = r"TEXT application_utilization=(\d+\.\d{3}), cpu_utilization=(\d+\.\d{3})"
    application, cpu = re.fullmatch(form, response["endpoint-load-metrics"]).groups()
    # this very request is in work
    assert float(application) == pytest.approx(1 / settings.LIFTOS_WEB_THREADS, abs=0.001)
    assert float(application) == float(response.json()["checks"]["load"]["result"])
    assert float(cpu) >= 0


def test_tables_of_another_version_are_not_ready(db, client, monkeypatch):
    monkeypatch.setattr(health, "_migrated", False)
    monkeypatch.setattr(MigrationExecutor, "migration_plan", lambda *arguments: ["one"])
    assert client.get("/ready").status_code == 503
    monkeypatch.undo()
    assert client.get("/ready").status_code == 200


def test_an_alert_makes_health_degraded(db, client, monkeypatch):
    monkeypatch.setattr(views, "raised", lambda: ["success_rate"])
    assert client.get("/health").json()["status"] == "degraded"


def test_not_ready_is_503_in_the_contracts_words(db, client, monkeypatch):
    monkeypatch.setattr(health, "check_database", lambda: NOT_OK)
    response = client.get("/ready")
    assert response.status_code == 503
    assert response.json() == {"detail": "Service memory not ready"}


def test_ready_does_not_wait_for_redis(db, client, monkeypatch):
    monkeypatch.setattr(health, "check_redis", lambda: NOT_OK)
    assert client.get("/ready").status_code == 200


@pytest.mark.parametrize("path", ["/", "/health", "/ready"])
def test_head_is_served_without_a_body(db, client, path):
    response = client.head(path)
    assert response.status_code == 200
    assert response.content == b""
