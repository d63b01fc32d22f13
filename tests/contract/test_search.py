"""POST /search, /search/neural and /search/knowledge, as the old platform's callers know them."""

import re
from datetime import UTC, datetime, timedelta

import pytest

PATHS = {"/search": "hybrid", "/search/neural": "neural", "/search/knowledge": "knowledge"}
NAIVE_MICROSECONDS = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}")


@pytest.fixture
def stocked(acme):
    acme.post("/store", {"content": "Holiday campaign", "metadata": {"a": 1}, "memory_type": "note"})
    acme.post("/store", {"content": "Television and price"})
    return acme


@pytest.mark.parametrize("path", PATHS)
def test_envelope_and_fields_are_in_the_contracts_order(stocked, path):
    response = stocked.post(path, {"query": "holiday conversions"})
    body = response.json()
    assert response.status_code == 200
    assert response["Content-Type"] == "application/json"
    assert list(body) == ["success", "message", "data", "errors", "metadata"]
    assert body["success"] is True
    assert body["message"] == "Enhanced memory search completed"
    assert body["errors"] is None
    assert list(body["data"]) == ["results", "count", "search_type", "duration", "performance_metrics"]
    assert list(body["metadata"]) == ["correlation_id", "org_id", "query_length", "enhanced_features"]


@pytest.mark.parametrize(("path", "search_type"), PATHS.items())
def test_data_has_the_contracts_types(stocked, path, search_type):
    data = stocked.post(path, {"query": "holiday conversions"}).json()["data"]
    assert data["count"] == len(data["results"]) > 0
    assert data["search_type"] == search_type
    assert isinstance(data["duration"], float)
    assert 0 < data["duration"] < 60
    metrics = data["performance_metrics"]
    assert list(metrics) == ["cache_hit_rate", "average_operation_time_ms", "conceptual_spaces_available"]
    assert isinstance(metrics["cache_hit_rate"], float)
    assert 0 <= metrics["cache_hit_rate"] <= 1
    assert isinstance(metrics["average_operation_time_ms"], float)
    assert type(metrics["conceptual_spaces_available"]) is int


@pytest.mark.parametrize("path", PATHS)
def test_a_result_has_the_contracts_fields(stocked, path):
    result = stocked.post(path, {"query": "holiday"}).json()["data"]["results"][0]
    assert list(result)[:6] == ["id", "content", "score", "metadata", "memory_type", "timestamp"]
    assert set(result) - {"conceptual_space", "embedding_similarity"} == set(list(result)[:6])
    assert isinstance(result["id"], str)
    assert result["content"] == "Holiday campaign"
    assert isinstance(result["score"], float)
    assert result["metadata"] == {"a": 1}
    assert result["memory_type"] == "note"
    assert NAIVE_MICROSECONDS.fullmatch(result["timestamp"])
    age = datetime.now(UTC).replace(tzinfo=None) - datetime.fromisoformat(result["timestamp"])
    assert timedelta(seconds=-1) < age < timedelta(minutes=2)


def test_metadata_names_the_request(stocked):
    response = stocked.post("/search", {"query": "holiday conversions"}, **{"x-correlation-id": "c-1"})
    metadata = response.json()["metadata"]
    assert metadata["correlation_id"] == "c-1" == response["X-Correlation-Id"]
    assert metadata["org_id"] == stocked.slug
    assert metadata["query_length"] == 19
    assert metadata["enhanced_features"] == ["embedding_cache", "conceptual_spaces", "observability"]


def test_query_length_counts_characters(acme):
    assert acme.post("/search", {"query": "é😀"}).json()["metadata"]["query_length"] == 2


@pytest.mark.parametrize("search_type", ["neural", "conceptual", "knowledge", "hybrid"])
def test_search_type_is_answered_as_asked(stocked, search_type):
    response = stocked.post("/search", {"query": "holiday", "search_type": search_type})
    assert response.status_code == 200
    assert response.json()["data"]["search_type"] == search_type


@pytest.mark.parametrize(
    ("path", "search_type"), [("/search/neural", "neural"), ("/search/knowledge", "knowledge")]
)
def test_a_typed_route_overrides_the_bodys_type(stocked, path, search_type):
    data = stocked.post(path, {"query": "holiday", "search_type": "hybrid"}).json()["data"]
    alone = stocked.post("/search", {"query": "holiday", "search_type": search_type}).json()["data"]
    assert data["search_type"] == search_type
    assert data["results"] == alone["results"]


@pytest.mark.parametrize("path", PATHS)
def test_a_typed_route_still_checks_the_bodys_type(acme, path):
    assert acme.post(path, {"query": "x", "search_type": "psychic"}).status_code == 422


@pytest.mark.parametrize(("limit", "count"), [(1, 1), ("1", 1), (1.0, 1), (True, 1), (100, 2), ("100", 2)])
def test_limit_is_coerced(stocked, limit, count):
    data = stocked.post("/search", {"query": "holiday", "limit": limit}).json()["data"]
    assert data["count"] == count


def test_limit_defaults_to_ten(acme):
    lines = b"\n".join(b'{"content": "the same thing"}' for _ in range(12))
    acme.send("/api/v1/memories/bulk", lines, "application/x-ndjson")
    assert acme.post("/search", {"query": "thing"}).json()["data"]["count"] == 10


def test_results_are_best_first(stocked):
    results = stocked.post("/search", {"query": "television price"}).json()["data"]["results"]
    scores = [result["score"] for result in results]
    assert results[0]["content"] == "Television and price"
    assert scores == sorted(scores, reverse=True)


@pytest.mark.parametrize("optional", [{"filters": None}, {"memory_type": None}, {"filters": {}}])
def test_null_means_left_out(stocked, optional):
    assert stocked.post("/search", {"query": "holiday"} | optional).json()["data"]["count"] == 2


def test_an_empty_query_is_allowed(stocked):
    response = stocked.post("/search", {"query": ""})
    assert response.status_code == 200
    assert response.json()["metadata"]["query_length"] == 0


def test_unknown_fields_are_ignored(stocked):
    body = {"query": "holiday", "context": {"source": "x"}, "tags": ["a"], "key": 5}
    assert stocked.post("/search", body).json()["data"]["count"] == 2


def test_memory_type_filters(stocked):
    results = stocked.post("/search", {"query": "price", "memory_type": "note"}).json()["data"]["results"]
    assert [result["memory_type"] for result in results] == ["note"]


def test_filters_apply(stocked):
    results = stocked.post("/search", {"query": "price", "filters": {"a": {"$gte": 1}}}).json()["data"][
        "results"
    ]
    assert [result["content"] for result in results] == ["Holiday campaign"]


def test_an_unknown_operator_is_named(acme):
    response = acme.post("/search", {"query": "x", "filters": {"price": {"$near": 1}}})
    assert response.status_code == 422
    assert list(response.json()) == ["detail"]
    assert response.json()["detail"][0]["loc"] == ["body", "filters", "price", "$near"]


INVALID = [
    ({}, "missing", ["body", "query"]),
    (None, "missing", ["body"]),
    ([], "model_attributes_type", ["body"]),
    ("text", "model_attributes_type", ["body"]),
    ({"query": 5}, "string_type", ["body", "query"]),
    ({"query": None}, "string_type", ["body", "query"]),
    ({"query": "x", "search_type": "psychic"}, "string_pattern_mismatch", ["body", "search_type"]),
    ({"query": "x", "search_type": "hybrid\n"}, "string_pattern_mismatch", ["body", "search_type"]),
    ({"query": "x", "search_type": None}, "string_type", ["body", "search_type"]),
    ({"query": "x", "limit": 0}, "greater_than_equal", ["body", "limit"]),
    ({"query": "x", "limit": -1}, "greater_than_equal", ["body", "limit"]),
    ({"query": "x", "limit": False}, "greater_than_equal", ["body", "limit"]),
    ({"query": "x", "limit": 101}, "less_than_equal", ["body", "limit"]),
    ({"query": "x", "limit": 10**40}, "less_than_equal", ["body", "limit"]),
    ({"query": "x", "limit": "text"}, "int_parsing", ["body", "limit"]),
    ({"query": "x", "limit": ""}, "int_parsing", ["body", "limit"]),
    ({"query": "x", "limit": 5.5}, "int_from_float", ["body", "limit"]),
    ({"query": "x", "filters": []}, "dict_type", ["body", "filters"]),
    ({"query": "x", "filters": "a"}, "dict_type", ["body", "filters"]),
    ({"query": "x", "memory_type": 5}, "string_type", ["body", "memory_type"]),
]


@pytest.mark.parametrize(("body", "kind", "loc"), INVALID)
def test_a_field_at_fault_is_named(acme, body, kind, loc):
    for path in PATHS:
        response = acme.post(path, body)
        assert response.status_code == 422
        assert list(response.json()) == ["detail"]
        [item] = response.json()["detail"]
        assert item.keys() >= {"type", "loc", "msg", "input"}
        assert (item["type"], item["loc"]) == (kind, loc)
        assert isinstance(item["msg"], str)


def test_the_input_at_fault_is_echoed(acme):
    [item] = acme.post("/search", {"query": "x", "limit": 101}).json()["detail"]
    assert item["input"] == 101
    assert item["ctx"] == {"le": 100}


def test_every_field_at_fault_is_named(acme):
    response = acme.post("/search", {"limit": 0, "search_type": "psychic", "filters": []})
    kinds = {item["type"] for item in response.json()["detail"]}
    assert kinds == {"missing", "greater_than_equal", "string_pattern_mismatch", "dict_type"}
