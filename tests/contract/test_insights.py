"""GET /insights, the context routes and /performance/metrics, as the old platform's callers know them."""

import pytest

from accountability.models import DecisionRecord
from liftos.kernel.db.transactions import tenant_transaction

ENVELOPE = ["success", "message", "data", "errors", "metadata"]
CACHE = [
    "cache_size", "max_cache_size", "cache_hits", "cache_misses", "total_operations", "hit_rate", "cache_utilization",
]  # fmt: skip


def insights(caller):
    response = caller.get("/insights")
    assert response.status_code == 200, response.content
    return response.json()


def test_insights_have_the_contracts_fields_and_true_counts(acme):
    for number in range(3):
        acme.store(f"Boots sell in rain, case {number}", memory_type="note")
    acme.store("Television is dear", memory_type="insight")
    wrong = acme.store("Boots sell in snow", memory_type="note")
    acme.post(f"/api/v1/memories/{wrong}/reject", {})
    body = insights(acme)
    assert list(body) == ENVELOPE
    assert body["message"] == "Memory insights generated"
    data = body["data"]
    assert list(data) == [
        "total_memories", "dominant_concepts", "knowledge_density", "temporal_patterns", "semantic_clusters", "memory_types",
    ]  # fmt: skip
    assert data["total_memories"] == len(acme.get("/api/v1/memories").json()["results"]) == 4
    assert data["memory_types"] == {"note": 3, "insight": 1}
    assert data["dominant_concepts"][0] in ("boots", "rain", "sell", "case")
    assert "snow" not in data["dominant_concepts"]
    patterns = data["temporal_patterns"]
    assert list(patterns) == ["peak_hour", "hourly_distribution", "total_timespan_days"]
    assert sum(patterns["hourly_distribution"].values()) == 4
    assert patterns["hourly_distribution"][str(patterns["peak_hour"])] == max(
        patterns["hourly_distribution"].values()
    )
    assert patterns["total_timespan_days"] == 0
    assert list(body["metadata"]) == ["correlation_id", "org_id"]


def test_density_is_the_share_of_what_hangs_together(acme):
    first = acme.store("One thing", source="s", external_id="1")
    assert insights(acme)["data"]["knowledge_density"] == 0
    acme.store("Another thing", source="s", links=[{"kind": "about", "external_id": "1"}])
    acme.store("Apart from both")
    assert insights(acme)["data"]["knowledge_density"] == pytest.approx(2 / 3, abs=1e-3)
    acme.delete(f"/api/v1/memories/{first}")
    assert insights(acme)["data"]["knowledge_density"] == 0


def test_clusters_group_similar_members_and_are_deterministic(acme):
    ids = {}
    for theme, texts in {
        "boots": [
            "Boots sell in rain",
            "Rain sells rubber boots",
            "Wet weather sells boots",
            "Boots for rainy days",
        ],
        "salary": [
            "Salaries rise in spring",
            "Spring brings higher salaries",
            "Pay rises in spring",
            "Wages rise",
        ],
    }.items():
        ids[theme] = {acme.store(text) for text in texts}
    first, again = insights(acme)["data"], insights(acme)["data"]
    assert first == again
    clusters = first["semantic_clusters"]
    assert [list(each) for each in clusters] == [["label", "size", "cohesion", "memory_ids"]] * 2
    assert sorted(each["size"] for each in clusters) == [4, 4]
    assert {frozenset(each["memory_ids"]) for each in clusters} == {frozenset(each) for each in ids.values()}


def test_an_empty_organisation_has_insights_of_nothing(acme, rival):
    rival.store("Theirs")
    assert insights(acme)["data"] == {
        "total_memories": 0,
        "dominant_concepts": [],
        "knowledge_density": 0.0,
        "temporal_patterns": {"peak_hour": None, "hourly_distribution": {}, "total_timespan_days": 0},
        "semantic_clusters": [],
        "memory_types": {},
    }


def test_a_context_is_opened_counted_and_closed_on_record(acme):
    memory = acme.store("Kept")
    opened = acme.post("/context/initialize?domain=marketing", None)
    assert opened.json()["message"] == "Memory context initialized"
    assert opened.json()["data"] == {
        "context_id": f"org_{acme.slug}",
        "org_id": acme.slug,
        "domain": "marketing",
    }
    assert list(opened.json()["metadata"]) == ["correlation_id"]
    stats = acme.get("/context/stats").json()
    assert stats["message"] == "Context statistics retrieved"
    assert stats["data"] == {"total_contexts": 1, "active_contexts": 1, "backend": "postgres+pgvector"}
    assert stats["metadata"] is None
    closed = acme.delete(f"/context/{acme.slug}").json()
    assert (closed["message"], closed["data"]) == ("Memory context cleaned up", {"org_id": acme.slug})
    assert acme.get("/context/stats").json()["data"]["active_contexts"] == 0
    # the stated effect: no memory is touched
    assert [hit["id"] for hit in acme.search("kept")] == [memory]
    with tenant_transaction(acme.organisation):
        operations = list(
            DecisionRecord.objects.filter(operation__startswith="memory.context").values_list(
                "operation", flat=True
            )
        )
    assert sorted(operations) == ["memory.context_cleanup", "memory.context_initialise"]
    acme.post("/context/initialize", {"domain": "sales"})
    assert acme.get("/context/stats").json()["data"]["active_contexts"] == 1


def test_another_organisations_context_is_404(acme, rival):
    rival.post("/context/initialize", None)
    for other in (rival.slug, str(rival.organisation), "nobody", "%00"):
        assert acme.delete(f"/context/{other}").status_code == 404
    assert rival.get("/context/stats").json()["data"]["active_contexts"] == 1
    assert acme.get("/context/stats").json()["data"]["total_contexts"] == 0


@pytest.mark.parametrize("query", ["?domain=" + "x" * 101, "?domain=%00"])
def test_invalid_domain_is_422(acme, query):
    assert acme.post(f"/context/initialize{query}", None).status_code == 422


def test_metrics_have_the_contracts_fields(acme):
    acme.store("x")
    acme.search("x")
    body = acme.get("/performance/metrics").json()
    assert list(body) == ENVELOPE
    assert body["message"] == "Performance metrics retrieved"
    data = body["data"]
    assert list(data) == [
        "memory_performance",
        "embedding_cache",
        "orchestration",
        "observability",
        "summary",
    ]
    assert list(data["memory_performance"]) == [
        "total_operations", "successful_operations", "success_rate", "average_operation_time_ms", "recent_average_time_ms",
        "conceptual_spaces_count", "embedding_cache_stats",
    ]  # fmt: skip
    assert list(data["embedding_cache"]) == CACHE
    assert data["memory_performance"]["embedding_cache_stats"] == data["embedding_cache"]
    assert list(data["orchestration"]) == [
        "total_executions", "cache_hits", "cache_misses", "cache_hit_rate", "cache_size", "max_cache_size",
        "average_execution_time_ms", "total_workflows", "active_workflows", "registered_functions",
    ]  # fmt: skip
    assert list(data["observability"]) == [
        "service_name", "org_id", "tracing", "metrics", "accountability", "timestamp",
    ]  # fmt: skip
    assert data["observability"]["org_id"] == acme.slug
    assert data["observability"]["accountability"]["org_id"] == acme.slug
    assert list(data["summary"]) == [
        "total_operations", "success_rate", "cache_hit_rate", "average_response_time_ms", "conceptual_spaces_count",
        "active_workflows",
    ]  # fmt: skip


def test_metrics_are_the_callers_own(acme, rival):
    for _ in range(3):
        acme.store("x")
    acme.search("x")
    mine, theirs = (each.get("/performance/metrics").json()["data"] for each in (acme, rival))
    assert mine["memory_performance"]["total_operations"] == 4
    assert mine["memory_performance"]["success_rate"] == 1.0
    assert mine["memory_performance"]["average_operation_time_ms"] > 0
    assert mine["observability"]["metrics"]["counters"]["memory.store.success"] == 3
    assert theirs["memory_performance"]["total_operations"] == 0
    assert theirs["observability"]["metrics"]["counters"] == {}
