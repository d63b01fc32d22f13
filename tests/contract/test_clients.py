"""Aliases for the old platform's clients: the requests they send and the fields they read."""

import pytest

from liftos.compat.routes.aliases import TYPES


def test_the_cross_service_script(acme):
    sent = {
        "content": "Attribution of January",
        "metadata": {"a": 1},
        "context": {"source": "causal"},
        "tags": ["x"],
        "key": "k",
    }
    stored = acme.post("/store", sent)
    assert stored.status_code == 200
    [result] = acme.post("/search", {"query": "attribution january"}).json()["data"]["results"]
    assert result["context"]["source"] == "causal"
    assert result["metadata"]["a"] == 1
    acme.post("/store", {"content": "Without a context", "memory_type": "note"})
    data = acme.get("/analytics").json()["data"]
    assert data["total_memories"] == 2
    assert data["memory_types"] == {"general": 1, "note": 1}
    assert [each["title"] for each in data["recent_activity"]] == [
        "Without a context",
        "Attribution of January",
    ]


@pytest.mark.parametrize("context", ["text", 5, [], None, True])
def test_context_other_than_an_object_is_ignored(acme, context):
    assert acme.post("/store", {"content": "x", "context": context}).status_code == 200
    [result] = acme.post("/search", {"query": "x"}).json()["data"]["results"]
    assert "context" not in result


def test_the_gateways_second_header_is_refused(acme, rival):
    for claimed in (f"{acme.slug}, {rival.slug}", f"{rival.slug},{acme.slug}"):
        assert acme.get("/api/v1/recent", **{"x-org-id": claimed}).status_code == 400
    assert acme.get("/api/v1/recent", **{"x-org-id": rival.slug}).status_code == 403


def test_the_streamlit_page(acme, rival):
    rival.post("/api/v1/store", {"user_id": "u2", "data": "Budget of the rival", "tags": ["budget"]})
    stored = acme.post(
        "/api/v1/store", {"user_id": "u1", "data": {"type": "budget", "spend": 5}, "tags": ["budget"]}
    )
    assert stored.status_code == 200
    memory = stored.json()["memory_id"]
    other = acme.post(
        "/api/v1/store", {"user_id": "u1", "data": "Spend of the experiment", "tags": []}
    ).json()["memory_id"]
    for search_type in ("semantic", "keyword", "hybrid"):
        page = acme.get(f"/api/v1/search?query=spend&user_id=u1&search_type={search_type}&limit=20").json()
        assert {result["id"] for result in page["results"]} == {memory, other}
        assert page["summary"]
        for result in page["results"]:
            assert list(result) == ["id", "title", "content", "score", "type", "date", "tags", "metadata"]
    [tagged] = acme.get("/api/v1/search?query=spend&search_type=hybrid&tags=budget").json()["results"]
    assert (tagged["id"], tagged["type"], tagged["tags"]) == (memory, "budget", ["budget"])
    assert tagged["content"] == {"type": "budget", "spend": 5}
    assert acme.get("/api/v1/search?query=spend&tags=budget&tags=sync").json()["results"] == []
    activities = acme.get("/api/v1/recent?limit=1&user_id=u1").json()["activities"]
    assert [each["details"] for each in activities] == ["Spend of the experiment"]
    assert {"type", "timestamp", "details"} <= set(activities[0])


def test_dates_narrow_the_page_and_include_the_last_day(acme):
    for day in ("2025-01-01T00:00:00Z", "2025-01-31T23:59:00Z", "2025-02-01T00:00:00Z"):
        acme.store(f"Report of {day[:10]}", valid_from=day)
    page = acme.get("/api/v1/search?query=report&start_date=2025-01-01&end_date=2025-01-31").json()
    assert sorted(result["date"] for result in page["results"]) == ["2025-01-01", "2025-01-31"]
    assert len(acme.get("/api/v1/search?query=report&start_date=2025-02-01").json()["results"]) == 1
    assert acme.get("/api/v1/search?query=report&end_date=2024-12-31").json()["results"] == []


def test_the_intelligence_service(acme):
    acme.store("Outcome of a test", metadata={"kpi": 3})
    data = acme.get("/api/v1/search?query=outcome&limit=5").json()["data"]
    assert [result["metadata"] for result in data["results"]] == [{"kpi": 3}]


def test_the_feedback_service(acme, rival):
    sent = {"content": "It helped", "metadata": {"stars": 5}, "user_id": "u1", "organization_id": acme.slug}
    memory = acme.post("/api/v1/store", sent).json()["memory_id"]
    assert acme.get(f"/api/v1/memories/{memory}").json()["metadata"] == {"stars": 5}
    assert acme.post("/api/v1/store", sent | {"organization_id": rival.slug}).status_code == 403
    assert rival.search("helped") == []


def test_the_modules_that_use_memories(acme):
    made = acme.post("/api/v1/memories", {"content": "x", "metadata": {"a": 1}, "tags": ["t"]})
    assert made.status_code == 201
    got = acme.get(f"/api/v1/memories/{made.json()['memory_id']}").json()
    assert {"id", "content", "metadata", "tags", "created_at"} <= set(got)


def test_the_ui_shell(acme):
    stored = acme.post("/api/v1/memory/store", {"content": "Of the shell"}).json()
    assert stored["message"] == "Enhanced memory storage completed"
    found = acme.post("/api/v1/memory/search", {"query": "shell"}).json()
    assert found["data"]["results"][0]["id"] == stored["data"]["memory_id"]
    assert acme.get("/api/v1/memory/insights").json()["data"]["total_memories"] == 1


def test_the_load_test_filters_by_the_metadata_of_its_value(acme):
    value = {"content": "Load test memory 7", "metadata": {"type": "load_test", "key": "its own"}}
    stored = acme.post("/memory/store", {"key": "k7", "value": value}).json()
    acme.post("/memory/store", {"key": "k8", "value": {"content": "Load test memory 8"}})
    for wanted in ({"type": "load_test"}, {"key": "k7"}):
        body = acme.post("/memory/search", {"query": "memory", "filters": wanted}).json()
        assert [hit["id"] for hit in body["results"]] == [stored["memory_id"]]
    assert (
        acme.post("/memory/search", {"query": "memory", "filters": {"type": "other"}}).json()["results"] == []
    )


def test_the_load_test(acme):
    stored = acme.post("/memory/store", {"key": "k", "value": {"a": 1}, "context": {"c": 2}})
    assert stored.status_code == 200
    answer = acme.post("/memory/search", {"query": "a", "context": {}, "filters": {}, "limit": 5}).json()
    assert [result["id"] for result in answer["results"]] == [stored.json()["memory_id"]]


@pytest.mark.parametrize(
    "query",
    ["", "?query=x&search_type=unheard", "?query=x&limit=0", "?query=x&limit=101", "?query=x&start_date=soon",
     "?query=x&end_date=10000-01-01", "?query=x%00", "?query=x&start_date=2025-13-01", "?query=x&user_id=" + "u" * 201],
)  # fmt: skip
def test_a_bad_question_names_the_field(acme, query):
    response = acme.get(f"/api/v1/search{query}")
    assert response.status_code == 422, response.content
    assert response.json()["errors"][0]["loc"][0] == "query"


def test_the_last_of_all_days_is_a_date(acme):
    acme.store("x")
    assert len(acme.get("/api/v1/search?query=x&end_date=9999-12-31").json()["results"]) == 1


@pytest.mark.parametrize(
    "body",
    [{}, {"data": None}, {"data": "x", "tags": "t"}, {"content": 5}, [], "x", {"data": "x" * 1_000_001}],
)
def test_a_bad_store_is_422(acme, body):
    assert acme.post("/api/v1/store", body).status_code == 422


def test_every_word_for_a_search_type_is_known():
    assert {"semantic", "keyword", "hybrid"} <= set(TYPES)
