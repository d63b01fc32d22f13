"""POST /search/batch as the old platform's callers know it."""

import pytest


@pytest.fixture
def stocked(acme):
    for text in (
        "Holiday campaign raised conversions",
        "Television prices fell",
        "Rain lifts sales of boots",
    ):
        acme.post("/store", {"content": text, "memory_type": "note"})
    return acme


def test_the_contracts_envelope(stocked):
    response = stocked.post("/search/batch?search_type=hybrid&limit=1", ["holiday", "television"])
    assert response.status_code == 200
    body = response.json()
    assert list(body) == ["success", "message", "data", "errors", "metadata"]
    assert body["message"] == "Batch search completed"
    assert body["metadata"] == {
        "correlation_id": response["X-Correlation-Id"],
        "enhanced_feature": "batch_processing",
    }
    data = body["data"]
    assert list(data)[:5] == ["workflow_id", "results", "queries_processed", "execution_time_ms", "duration"]
    assert data["workflow_id"].startswith("wf_acme_")
    assert data["queries_processed"] == 2
    assert all(key.startswith(f"task_{data['workflow_id']}_") for key in data["results"])
    assert isinstance(data["execution_time_ms"], float)
    assert isinstance(data["duration"], float)


def test_results_are_in_query_order(stocked):
    queries = ["boots", "television", "holiday", "boots"]
    data = stocked.post("/search/batch?limit=1", queries).json()["data"]
    found = [hits[0]["content"].split()[0] for hits in data["results"].values()]
    assert found == ["Rain", "Television", "Holiday", "Rain"]
    assert list(data["results"].values()) == data["results_list"]
    assert set(data["results_list"][0][0]) >= {
        "id",
        "content",
        "score",
        "metadata",
        "memory_type",
        "timestamp",
    }


def test_no_queries_are_answered(acme):
    data = acme.post("/search/batch", []).json()["data"]
    assert (data["results"], data["queries_processed"]) == ({}, 0)


def test_wrapped_form_is_accepted_too(stocked):
    assert stocked.post("/search/batch", {"queries": ["boots"]}).json()["data"]["queries_processed"] == 1


@pytest.mark.parametrize(
    ("path", "body", "loc"),
    [
        ("/search/batch", {"query": "x"}, ["body"]),
        ("/search/batch", "x", ["body"]),
        ("/search/batch", ["x", 1], ["body", 1]),
        ("/search/batch", [None], ["body", 0]),
        ("/search/batch", ["x"] * 1_001, ["body"]),
        ("/search/batch?limit=0", ["x"], ["query", "limit"]),
        ("/search/batch?limit=many", ["x"], ["query", "limit"]),
        ("/search/batch?search_type=psychic", ["x"], ["query", "search_type"]),
    ],
)
def test_bad_input_is_named(acme, path, body, loc):
    response = acme.post(path, body)
    assert response.status_code == 422
    assert [item["loc"] for item in response.json()["detail"]] == [loc]


def test_a_larger_limit_than_a_searchs_is_brought_down_to_it(stocked):
    assert stocked.post("/search/batch?limit=5000", ["boots"]).status_code == 200


def test_one_decision_for_the_batch(stocked):
    response = stocked.post("/search/batch", ["boots", "holiday"])
    [decision] = stocked.get(f"/api/v1/decisions?correlation_id={response['X-Correlation-Id']}").json()[
        "results"
    ]
    assert decision["operation"] == "memory.search_many"
    assert decision["inputs"]["queries"] == ["boots", "holiday"]
    assert {each["query"] for each in decision["memories"]} == {0, 1}
    assert 0 <= decision["confidence"] <= 1
