"""POST /store, as the old platform's callers know it."""

from uuid import UUID

import pytest


def test_envelope_and_fields_are_in_the_contracts_order(acme):
    response = acme.post(
        "/store", {"content": "Holiday", "metadata": {"campaign": "x"}, "memory_type": "note"}
    )
    body = response.json()
    assert response.status_code == 200
    assert response["Content-Type"] == "application/json"
    assert list(body) == ["success", "message", "data", "errors", "metadata"]
    assert body["success"] is True
    assert body["message"] == "Enhanced memory storage completed"
    assert body["errors"] is None
    assert list(body["data"]) == [
        "memory_id",
        "memory_type",
        "content_length",
        "enhanced_features",
        "performance_metrics",
    ]
    assert list(body["metadata"]) == ["correlation_id", "org_id", "enhanced_storage"]


def test_data_says_what_was_stored(acme):
    data = acme.post("/store", {"content": "Holiday", "memory_type": "note"}).json()["data"]
    assert isinstance(data["memory_id"], str)
    assert UUID(data["memory_id"])
    assert data["memory_type"] == "note"
    assert data["content_length"] == 7
    assert acme.get(f"/api/v1/memories/{data['memory_id']}").json()["content"] == "Holiday"


def test_features_are_three_booleans_that_are_true_only_when_true(acme):
    features = acme.post("/store", {"content": "Holiday"}).json()["data"]["enhanced_features"]
    assert list(features) == ["embedding_generated", "conceptual_mapping", "cache_optimization"]
    assert all(isinstance(flag, bool) for flag in features.values())
    assert features["embedding_generated"] is True
    assert features["conceptual_mapping"] is True


def test_metrics_are_milliseconds_and_a_share(acme):
    metrics = acme.post("/store", {"content": "Holiday"}).json()["data"]["performance_metrics"]
    assert list(metrics) == ["storage_time_ms", "success_rate"]
    assert isinstance(metrics["storage_time_ms"], float)
    assert 0 < metrics["storage_time_ms"] < 60_000
    assert isinstance(metrics["success_rate"], float)
    assert 0 < metrics["success_rate"] <= 1


def test_metadata_names_the_request(acme):
    response = acme.post("/store", {"content": "Holiday"}, **{"x-correlation-id": "c-1"})
    assert response.json()["metadata"] == {
        "correlation_id": "c-1",
        "org_id": acme.slug,
        "enhanced_storage": True,
    }


@pytest.mark.parametrize("metadata", [{}, {"metadata": None}, {"metadata": {}}])
def test_metadata_may_be_absent(acme, metadata):
    response = acme.post("/store", {"content": "Holiday"} | metadata)
    assert response.status_code == 200
    assert acme.get(f"/api/v1/memories/{response.json()['data']['memory_id']}").json()["metadata"] == {}


def test_memory_type_defaults_to_general(acme):
    assert acme.post("/store", {"content": "x"}).json()["data"]["memory_type"] == "general"


def test_empty_content_is_allowed(acme):
    response = acme.post("/store", {"content": ""})
    assert response.status_code == 200
    assert response.json()["data"]["content_length"] == 0


def test_content_length_counts_characters(acme):
    assert acme.post("/store", {"content": "é😀"}).json()["data"]["content_length"] == 2


def test_unknown_fields_are_ignored(acme):
    body = {"content": "x", "context": {"source": "script"}, "tags": "not a list", "key": None}
    assert acme.post("/store", body).status_code == 200


def test_equal_texts_are_separate_memories(acme):
    ids = {acme.post("/store", {"content": "x"}).json()["data"]["memory_id"] for _ in range(3)}
    assert len(ids) == 3


def test_metadata_comes_back_as_it_went_in(acme):
    metadata = {"a": [1, 2.5, None, True, "é"], "b": {"c": {}}, "": "", "z": 1, "y": 2**60}
    acme.post("/store", {"content": "Holiday", "metadata": metadata})
    [found] = acme.post("/search", {"query": "holiday"}).json()["data"]["results"]
    assert found["metadata"] == metadata


INVALID = [
    ({}, "missing", ["body", "content"]),
    (None, "missing", ["body"]),
    ([{"content": "x"}], "model_attributes_type", ["body"]),
    ({"content": 5}, "string_type", ["body", "content"]),
    ({"content": None}, "string_type", ["body", "content"]),
    ({"content": ["x"]}, "string_type", ["body", "content"]),
    ({"content": "x", "metadata": []}, "dict_type", ["body", "metadata"]),
    ({"content": "x", "metadata": "text"}, "dict_type", ["body", "metadata"]),
    ({"content": "x", "memory_type": None}, "string_type", ["body", "memory_type"]),
    ({"content": "x", "memory_type": 5}, "string_type", ["body", "memory_type"]),
]


@pytest.mark.parametrize(("body", "kind", "loc"), INVALID)
def test_a_field_at_fault_is_named(acme, body, kind, loc):
    response = acme.post("/store", body)
    assert response.status_code == 422
    [item] = response.json()["detail"]
    assert item.keys() >= {"type", "loc", "msg", "input"}
    assert (item["type"], item["loc"]) == (kind, loc)
