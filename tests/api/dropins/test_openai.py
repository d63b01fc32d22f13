"""OpenAI's vector stores, request by request; tests/adapters runs its own client."""

import pytest


def search(caller, store="all", **body):
    return caller.post(f"/v1/vector_stores/{store}/search", {"query": "boots in the rain"} | body)


@pytest.fixture
def known(acme):
    return {
        name: acme.store(text, source=source, external_id=name, metadata=metadata)
        for name, text, source, metadata in (
            ("rain", "Boots sell when it rains", "notes", {"region": "us", "year": 2024, "deep": {"a": 1}}),
            ("snow", "Boots sell when it snows", "notes", {"region": "eu", "year": 2025, "final": True}),
            ("sun", "Hats sell in the sun, boots do not", "web", {"region": "us", "long": "x" * 600}),
        )
    }


def test_results_are_a_page(acme, known):
    page = search(acme, max_num_results=1).json()
    assert page | {"data": []} == {
        "object": "vector_store.search_results.page", "search_query": ["boots in the rain"], "data": [], "has_more": False,
        "next_page": None,
    }  # fmt: skip
    [found] = page["data"]
    assert 0 < found.pop("score") <= 1
    assert found == {
        "file_id": known["rain"], "filename": "rain", "attributes": {"region": "us", "year": 2024},
        "content": [{"type": "text", "text": "Boots sell when it rains"}],
    }  # fmt: skip


def test_filters_compare_attributes(acme, known):
    def eq(key, value, kind="eq"):
        return {"type": kind, "key": key, "value": value}

    cases = [
        (eq("region", "us"), {"rain", "sun"}),
        (eq("region", "us", "ne"), {"snow"}),
        (eq("year", 2024, "gt"), {"snow"}),
        (eq("year", 2024, "gte"), {"rain", "snow"}),
        (eq("year", 2025, "lt"), {"rain"}),
        (eq("year", 2025, "lte"), {"rain", "snow"}),
        (eq("region", ["eu"], "in"), {"snow"}),
        (eq("region", ["eu"], "nin"), {"rain", "sun"}),
        (eq("final", True), {"snow"}),
        ({"type": "and", "filters": [eq("region", "us"), eq("year", 2024)]}, {"rain"}),
        (
            {"type": "or", "filters": [eq("region", "eu"), {"type": "and", "filters": [eq("year", 2024)]}]},
            {"rain", "snow"},
        ),
    ]
    for filters, expected in cases:
        found = search(acme, filters=filters)
        assert {each["filename"] for each in found.json()["data"]} == expected, filters
    for filters, at in [
        ({}, "filters.type"), (eq("region", ["us"]), "filters.value"), (eq("region", "us", "in"), "filters.value"), (eq("", 1), "filters.key"),
        (eq("$or", 1), "filters.key"), ({"type": "and", "filters": []}, "filters.filters"), ({"type": "eq", "key": "a"}, "filters.value"),
        ({"type": "and", "filters": [eq("a", 1), {"type": "x"}]}, "filters.filters.1.type"), (eq("year", None), "filters.value"),
    ]:  # fmt: skip
        refused = search(acme, filters=filters)
        assert refused.status_code == 422, filters
        error = refused.json()["error"]
        assert (error["type"], error["param"]) == ("invalid_request_error", at)


def test_several_queries_have_their_best_results_together(acme, known):
    page = search(acme, query=["boots in the rain", "hats in the sun"], max_num_results=2).json()
    assert page["search_query"] == ["boots in the rain", "hats in the sun"]
    assert {each["filename"] for each in page["data"]} == {"rain", "sun"}
    scores = [each["score"] for each in page["data"]]
    assert scores == sorted(scores, reverse=True)


def test_a_threshold_leaves_out_weaker_results(acme, known):
    all_of_them = search(acme).json()["data"]
    threshold = all_of_them[0]["score"] - 1e-6
    kept = search(acme, ranking_options={"ranker": "auto", "score_threshold": threshold}).json()["data"]
    assert [each["file_id"] for each in kept] == [all_of_them[0]["file_id"]]
    assert len(all_of_them) == 3


def test_a_source_is_a_store(acme, rival, known):
    assert {each["filename"] for each in search(acme, "notes").json()["data"]} == {"rain", "snow"}
    page = acme.get("/v1/vector_stores?limit=2").json()
    assert [(each["id"], each["file_counts"]["total"]) for each in page["data"]] == [("all", 3), ("notes", 2)]
    assert page["has_more"] is True
    rest = acme.get("/v1/vector_stores?after=notes").json()
    assert [each["id"] for each in rest["data"]] == ["web"]
    assert rest["has_more"] is False
    assert acme.get("/v1/vector_stores/web").json()["file_counts"]["completed"] == 1
    for caller, store in ((acme, "none"), (rival, "notes")):
        refused = search(caller, store)
        assert refused.status_code == 404
        assert refused.json()["error"]["message"].startswith("There is no such vector store")
        assert caller.get(f"/v1/vector_stores/{store}").status_code == 404
    assert search(rival).json()["data"] == []


def test_long_memories_are_found_by_passage(acme):
    acme.store(
        "\n\n".join(
            ["Nothing of interest. " * 60, "Umbrellas are sold at platform nine. " * 20, "More. " * 300]
        )
    )
    [found] = search(acme, query="where are umbrellas sold").json()["data"]
    assert "platform nine" in found["content"][0]["text"]
    assert 1 <= len(found["content"]) <= 3


def test_errors_are_openais(acme, client):
    refused = client.post("/v1/vector_stores/all/search", {"query": "x"}, "application/json")
    assert refused.status_code == 401
    assert refused.json()["error"]["type"] == "authentication_error"
    for body in (
        {"query": []},
        {"query": 5},
        {"max_num_results": 0},
        {"max_num_results": 51},
        {"ranking_options": {"score_threshold": 2}},
    ):
        refused = search(acme, **body)
        assert refused.status_code == 422, body
        assert refused.json()["error"]["param"].startswith(next(iter(body)))
