"""/performance/metrics agrees with an independent count of decisions and operations."""

from collections import Counter
from statistics import fmean

import pytest

from accountability import figures
from accountability.ledger.sequencer import drain, sequence
from accountability.models import DecisionRecord
from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.telemetry.manager import ObservabilityManager
from tests.api.routes import NOBODYS_ID

KEYS = [
    "org_id", "total_events", "decision_points", "recent_events", "average_confidence", "operations_count", "decision_chains",
]  # fmt: skip


def metrics(caller):
    return caller.get("/performance/metrics").json()["data"]


def counted(caller, recent=1_000):
    """Count an organisation's decisions one by one."""
    with tenant_transaction(caller.organisation):
        rows = list(
            DecisionRecord.objects.filter(organisation_id=caller.organisation)
            .order_by("-id")
            .values_list("operation", "confidence")
        )
    stated = [confidence for _, confidence in rows[:recent] if confidence is not None]
    return {
        "org_id": caller.slug,
        "total_events": len(rows),
        "decision_points": len(rows),
        "recent_events": len(rows[:recent]),
        "average_confidence": pytest.approx(fmean(stated) if stated else 0.0),
        "operations_count": dict(Counter(operation for operation, _ in rows[:recent])),
        "decision_chains": len({operation for operation, _ in rows}),
    }


def decide(caller, operation, confidence=None):
    body = {"operation": operation, "reasoning": "it was so", "confidence": confidence}
    assert caller.post("/api/v1/decisions", body).status_code == 201


def test_decisions_are_counted_as_they_are(acme, rival):
    shown = metrics(acme)["observability"]["accountability"]
    assert list(shown) == KEYS
    assert shown == counted(acme)
    for number in range(3):
        acme.store(f"Boots sell in rain, case {number}")
    acme.search("boots")
    for confidence in (0.2, 0.5, None):
        decide(acme, "forecast", confidence)
    acme.post("/conceptual-spaces/create?name=brand", ["price", "quality"])
    rival.store("Theirs")
    shown = metrics(acme)["observability"]["accountability"]
    assert shown == counted(acme)
    assert shown["operations_count"]["memory.store"] == 3
    assert shown["operations_count"]["forecast"] == 3
    assert shown["total_events"] > metrics(rival)["observability"]["accountability"]["total_events"] > 0


def test_the_sequencer_changes_no_count(acme):
    for number in range(5):
        acme.store(f"case {number}")
    before = metrics(acme)["observability"]["accountability"]
    assert sequence(organisation=acme.organisation, limit=2).integrated == 2
    assert metrics(acme)["observability"]["accountability"] == before == counted(acme)
    drain(organisation=acme.organisation)
    acme.store("one more")
    shown = metrics(acme)["observability"]["accountability"]
    assert shown == counted(acme)
    assert shown["total_events"] == before["total_events"] + 1


def test_recent_ones_are_the_newest(acme, monkeypatch):
    monkeypatch.setattr(figures, "RECENT", 4)
    for number in range(3):
        acme.store(f"case {number}")
    for confidence in (0.9, None, 0.4, 0.2):
        decide(acme, "forecast", confidence)
    shown = metrics(acme)["observability"]["accountability"]
    assert shown == counted(acme, recent=4)
    assert shown["operations_count"] == {"forecast": 4}
    assert shown["total_events"] > 4


def test_a_manager_that_has_seen_nothing_knows_the_decisions(acme):
    acme.store("x")
    elsewhere = ObservabilityManager("memory", acme.slug)
    for named in (acme.slug, str(acme.organisation)):
        assert elsewhere.statistics(named)["accountability"] == counted(acme) | {"org_id": named}
    assert elsewhere.statistics("nobody")["accountability"]["total_events"] == 0


REFUSED = [
    ("POST", "/search", {"limit": 5}, 422),
    ("POST", "/search", {"query": "x", "limit": 0}, 422),
    ("POST", "/store", {}, 422),
    ("POST", "/api/v1/search", {"query": "x", "space": NOBODYS_ID}, 404),
    ("POST", f"/api/v1/memories/{NOBODYS_ID}/reject", {"reason": "wrong"}, 404),
    ("POST", f"/api/v1/memories/{NOBODYS_ID}/confirm", {}, 404),
    ("DELETE", f"/api/v1/memories/{NOBODYS_ID}", None, 404),
    ("POST", "/api/v1/workflows/runs", {"template": "nobodys"}, 404),
    ("POST", f"/api/v1/decisions/{NOBODYS_ID}/reviews", {"verdict": "approve"}, 404),
]


def test_callers_mistakes_fail_no_operation(acme):
    acme.store("x")
    acme.search("x")
    before = metrics(acme)
    assert before["summary"]["success_rate"] == 1.0
    assert before["summary"]["total_operations"] == 2
    for method, path, body, status in REFUSED:
        response = acme.delete(path) if method == "DELETE" else acme.post(path, body)
        assert response.status_code == status, (path, response.content)
    after = metrics(acme)
    for name in ("total_operations", "successful_operations", "success_rate"):
        assert after["memory_performance"][name] == before["memory_performance"][name]
    counters = after["observability"]["metrics"]["counters"]
    assert [name for name in counters if name.endswith(".error")] == []
    assert counters["memory.reject.refused"] == 1
    assert counters["memory.search.success"] == 1


def test_what_fails_here_is_in_the_rate(acme, monkeypatch):
    acme.search("x")

    def fail(*args, **kwargs):
        raise RuntimeError("secret")

    monkeypatch.setattr("memory.search.service.rank", fail)
    assert acme.post("/search", {"query": "x"}).status_code == 500
    shown = metrics(acme)
    assert shown["summary"]["success_rate"] == 0.5
    assert shown["memory_performance"]["successful_operations"] == 1
    assert shown["observability"]["metrics"]["counters"]["memory.search.error"] == 1
