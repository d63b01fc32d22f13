"""One key, one request: carried out once, answered as often as it is sent."""

import json

import pytest

from memory.bulk.lines import store_batch
from tests.api.memory.trust.conftest import Life


def listed(caller):
    return caller.get("/api/v1/memories").json()["results"]


@pytest.mark.parametrize("path", ["/api/v1/memories", "/store"])
def test_the_same_request_again_is_answered_and_not_done(acme, path):
    body = {"content": "Boots sell in rain"}
    first, again = (acme.post(path, body, **{"idempotency-key": "k-1"}) for _ in range(2))
    assert again.status_code == first.status_code
    assert again.json() == first.json()
    assert again["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first
    assert len(listed(acme)) == 1


@pytest.mark.parametrize("path", ["/api/v1/memories", "/store"])
def test_another_body_under_the_key_is_409(acme, path):
    assert acme.post(path, {"content": "one"}, **{"idempotency-key": "k-1"}).status_code in (200, 201)
    response = acme.post(path, {"content": "two"}, **{"idempotency-key": "k-1"})
    assert response.status_code == 409
    assert [memory["content"] for memory in listed(acme)] == ["one"]


def test_without_a_key_and_under_another_it_is_another_request(acme):
    for headers in ({}, {}, {"idempotency-key": "a"}, {"idempotency-key": "b"}):
        assert acme.post("/api/v1/memories", {"content": "x"}, **headers).status_code == 201
    assert len(listed(acme)) == 4


def test_a_failed_request_leaves_no_key(acme):
    headers = {"idempotency-key": "k-1"}
    assert (
        acme.post(
            "/api/v1/memories",
            {"content": "x", "derived_from": ["019a0000-0000-7000-8000-000000000000"]},
            **headers,
        ).status_code
        == 422
    )
    assert acme.post("/api/v1/memories", {"content": "x"}, **headers).status_code == 201


def test_a_key_is_another_organisations_own(acme, rival):
    headers = {"idempotency-key": "k-1"}
    mine = acme.post("/api/v1/memories", {"content": "x"}, **headers)
    theirs = rival.post("/api/v1/memories", {"content": "x"}, **headers)
    assert mine.json()["id"] != theirs.json()["id"]
    assert "Idempotent-Replayed" not in theirs


def test_correction_is_executed_once(acme, life):
    memory = acme.store("x")
    headers = {"idempotency-key": "k-1"}
    first, again = (acme.post(f"/api/v1/memories/{memory}/contest", {}, **headers) for _ in range(2))
    assert (first.status_code, again.status_code) == (200, 200)
    assert again.json() == first.json()
    assert again["ETag"] == first["ETag"] == '"2"'
    assert len(life.history(memory)) == 2


def in_bulk(caller, lines, key="k", query=""):
    body = "".join(json.dumps(each) + "\n" for each in lines)
    headers = {"idempotency-key": key}
    return caller.send(f"/api/v1/memories/bulk{query}", body, "application/x-ndjson", **headers)


LINES = [{"content": str(number)} for number in range(5)]
OTHER_LINES = {
    "one changed": [*LINES[:2], {"content": "other"}, *LINES[3:]],
    "more": [*LINES, {"content": "more"}],
    "fewer": LINES[:-1],
    "the first batch alone": LINES[:2],
    "in another order": LINES[::-1],
}


@pytest.fixture
def small_batches(monkeypatch):
    monkeypatch.setattr("memory.bulk.requests.BATCH", 2)


@pytest.mark.parametrize("key", ["k", "x" * 200, "with spaces / and : signs"])
def test_bulk_store_is_executed_once(acme, small_batches, key):
    first, again = (in_bulk(acme, LINES, key) for _ in range(2))
    assert (first.status_code, again.status_code) == (200, 200)
    assert again.json() == first.json()
    assert "Idempotent-Replayed" not in first
    assert again["Idempotent-Replayed"] == "true"
    assert len(listed(acme)) == 5


@pytest.mark.parametrize("query", ["", "?mode=async"])
@pytest.mark.parametrize("others", OTHER_LINES.values(), ids=OTHER_LINES.keys())
def test_a_bulk_stores_key_stands_for_the_whole_body(acme, small_batches, query, others):
    assert in_bulk(acme, LINES, query=query).status_code == (202 if query else 200)
    before = len(listed(acme))
    refused = in_bulk(acme, others, query=query)
    assert refused.status_code == 409
    assert refused.json()["code"] == "liftos.idempotency_key_reused"
    assert len(listed(acme)) == before


def test_a_bulk_store_and_another_request_do_not_share_a_key(acme):
    assert in_bulk(acme, LINES).status_code == 200
    assert in_bulk(acme, LINES, query="?mode=async").status_code == 409
    assert acme.post("/api/v1/memories", {"content": "x"}, **{"idempotency-key": "k"}).status_code == 409
    assert acme.post("/api/v1/memories", {"content": "x"}, **{"idempotency-key": "j"}).status_code == 201
    assert in_bulk(acme, LINES, "j").status_code == 409
    assert len(listed(acme)) == 6


def test_bulk_store_resumes_where_it_was_interrupted(acme, small_batches, monkeypatch):
    batches = []

    def breaks_off(*args):
        batches.append(args)
        if len(batches) == 2:
            raise OSError("gone")
        return store_batch(*args)

    monkeypatch.setattr("memory.bulk.requests.store_batch", breaks_off)
    assert in_bulk(acme, LINES).status_code == 500
    assert len(listed(acme)) == 2
    assert in_bulk(acme, LINES[:2]).status_code == 409
    whole = in_bulk(acme, LINES)
    assert [each["status"] for each in whole.json()["results"]] == [201] * 5
    assert "Idempotent-Replayed" not in whole
    assert len(listed(acme)) == 5
    assert in_bulk(acme, LINES).json() == whole.json()


def test_a_bulk_store_without_a_line_leaves_no_key(acme):
    assert (
        acme.send(
            "/api/v1/memories/bulk", "\n \n", "application/x-ndjson", **{"idempotency-key": "k"}
        ).status_code
        == 422
    )
    assert in_bulk(acme, LINES).status_code == 200


def test_bulk_job_is_accepted_once_and_the_replay_is_marked(acme):
    first, again = (in_bulk(acme, LINES, query="?mode=async") for _ in range(2))
    assert (first.status_code, again.status_code) == (202, 202)
    assert again.json() == first.json()
    assert "Idempotent-Replayed" not in first
    assert again["Idempotent-Replayed"] == "true"


@pytest.mark.parametrize("key", ["x" * 201, "a\x7f", "\u00e9"])
def test_invalid_idempotency_key_is_422(acme, key):
    response = acme.post("/api/v1/memories", {"content": "x"}, **{"idempotency-key": key})
    assert response.status_code == 422
    assert response.json()["errors"][0]["loc"] == ["header", "idempotency-key"]


def test_keys_are_forgotten_after_their_time(acme):
    from liftos.kernel.http.idempotency.keys import list_organisations_with_stale_keys, prune

    headers = {"idempotency-key": "k-1"}
    acme.post("/api/v1/memories", {"content": "x"}, **headers)
    assert list_organisations_with_stale_keys(1) == []
    assert list_organisations_with_stale_keys(-1) == [acme.organisation]
    assert prune(organisation=acme.organisation, hours=1) == 0
    assert prune(organisation=acme.organisation, hours=-1) == 1
    assert acme.post("/api/v1/memories", {"content": "y"}, **headers).status_code == 201


def test_a_search_is_never_answered_from_a_key(acme):
    acme.store("Boots sell in rain")
    headers = {"idempotency-key": "k-1"}
    assert len(acme.post("/api/v1/search", {"query": "boots"}, **headers).json()["results"]) == 1
    acme.store("Boots again")
    assert len(acme.post("/api/v1/search", {"query": "boots"}, **headers).json()["results"]) == 2
    assert Life(acme).found("boots")
