"""POST /api/v1/memories/bulk."""

import json

import pytest

PATH = "/api/v1/memories/bulk"
DIMENSION = 384


def bulk(caller, *lines, content_type="application/x-ndjson"):
    raw = b"\n".join(line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines)
    return caller.send(PATH, raw, content_type)


def count(caller):
    return len(caller.get("/api/v1/memories?limit=200").json()["results"])


def test_every_line_is_answered_in_order(acme):
    response = bulk(acme, {"content": "a"}, {"content": "b", "external_id": "e-1"}, {"content": "c"})
    body = response.json()
    assert response.status_code == 200
    assert list(body) == ["results", "next", "stored", "unchanged", "failed"]
    assert [(line["line"], line["status"]) for line in body["results"]] == [(1, 201), (2, 201), (3, 201)]
    assert (body["stored"], body["unchanged"], body["failed"], body["next"]) == (3, 0, 0, None)
    assert body["results"][1]["external_id"] == "e-1"
    contents = [acme.get(f"/api/v1/memories/{line['id']}").json()["content"] for line in body["results"]]
    assert contents == ["a", "b", "c"]


@pytest.mark.parametrize("search_type", ["neural", "knowledge", "hybrid"])
def test_bulk_stored_memories_are_found_at_once(acme, search_type):
    bulk(acme, {"content": "Holiday campaign", "metadata": {"a": 1}}, {"content": "Television"})
    hits = acme.search("holiday", search_type=search_type, filters={"a": 1})
    assert [hit["content"] for hit in hits] == ["Holiday campaign"]


BAD_LINES = {
    "not JSON": (b"{", "json_invalid"),
    "not UTF-8": (b'{"content": "\xff"}', "json_invalid"),
    "not a number": (b'{"content": "x", "metadata": {"a": NaN}}', "json_invalid"),
    "infinite": (b'{"content": "x", "metadata": {"a": 1e999}}', "finite_number"),
    "endless digits": (b'{"content": "x", "metadata": {"a": 1%s}}' % (b"0" * 5000), "json_invalid"),
    "NUL": (b'{"content": "\\u0000"}', "string_nul"),
    "NUL in a key": (b'{"content": "x", "metadata": {"\\u0000": 1}}', "string_nul"),
    "lone surrogate": (b'{"content": "\\ud800"}', "string_unicode"),
    "too deep": (b'{"content": "x", "metadata": {"a": %s}}' % (b"[" * 100 + b"]" * 100), "too_deep"),
    "endlessly deep": (b"[" * 100_000, "json_invalid"),
    "a list": (b"[]", "model_attributes_type"),
    "null": (b"null", "missing"),
    "a missing field": (b"{}", "missing"),
    "a wrong type": (b'{"content": 5}', "string_type"),
    "too long": (b'{"content": "%s"}' % (b"x" * 1_000_001), "string_too_long"),
    "a vector of another dimension": (b'{"content": "x", "embedding": [1.0]}', "dimension"),
    "a vector of zeros": (b'{"content": "x", "embedding": [0.0, 0.0]}', "value_error"),
    "an end before the beginning": (
        b'{"content": "x", "valid_from": "2025-01-02T00:00:00Z", "valid_to": "2025-01-01T00:00:00Z"}',
        "value_error",
    ),
}


@pytest.mark.parametrize(("bad", "kind"), BAD_LINES.values(), ids=BAD_LINES)
def test_a_bad_line_loses_only_itself(acme, bad, kind):
    response = bulk(acme, {"content": "before"}, bad, {"content": "after"})
    body = response.json()
    assert response.status_code == 207
    assert [line["status"] for line in body["results"]] == [201, 422, 201]
    assert (body["stored"], body["failed"]) == (2, 1)
    lost = body["results"][1]
    assert lost["line"] == 2
    assert "id" not in lost
    assert lost["error"]["errors"][0]["type"] == kind
    assert count(acme) == 2


def test_all_bad_lines_together(acme):
    response = bulk(acme, *(bad for bad, _ in BAD_LINES.values()))
    assert response.status_code == 207
    assert response.json()["failed"] == len(BAD_LINES)
    assert count(acme) == 0


def test_blank_lines_are_counted_but_not_answered(acme):
    response = acme.send(
        PATH, b'\n  \n{"content": "a"}\r\n\r\n\t\n{"content": "b"}\n\n', "application/x-ndjson"
    )
    assert response.status_code == 200
    assert [line["line"] for line in response.json()["results"]] == [3, 6]


@pytest.mark.parametrize("raw", [b"", b"\n", b"  \n\r\n"])
def test_no_line_at_all_is_422(acme, raw):
    response = acme.send(PATH, raw, "application/x-ndjson")
    assert response.status_code == 422
    assert response.json()["errors"][0]["type"] == "missing"


def test_duplicate_in_a_batch_is_stored_once(acme):
    line = {"content": "a", "external_id": "e-1"}
    response = bulk(acme, line, {"content": "b"}, line)
    results = response.json()["results"]
    assert response.status_code == 200
    assert [each["status"] for each in results] == [201, 201, 200]
    assert results[2]["id"] == results[0]["id"]
    assert (response.json()["stored"], response.json()["unchanged"]) == (2, 1)
    assert count(acme) == 2


def test_the_same_batch_again_changes_nothing(acme):
    lines = [{"content": str(number), "external_id": f"e-{number}"} for number in range(5)]
    first, again = bulk(acme, *lines).json(), bulk(acme, *lines)
    assert again.status_code == 200
    assert [line["id"] for line in again.json()["results"]] == [line["id"] for line in first["results"]]
    assert (again.json()["stored"], again.json()["unchanged"]) == (0, 5)
    assert count(acme) == 5


def test_other_content_under_an_external_id_is_409_in_its_line(acme):
    response = bulk(
        acme,
        {"content": "a", "external_id": "e-1"},
        {"content": "b", "external_id": "e-1"},
        {"content": "c", "external_id": "e-2"},
    )
    results = response.json()["results"]
    assert response.status_code == 207
    assert [each["status"] for each in results] == [201, 409, 201]
    assert results[1]["error"]["code"] == "memory.external_id_taken"
    assert results[1]["external_id"] == "e-1"
    assert response.json()["failed"] == 1


def test_links_reach_later_lines_earlier_ones_and_none(acme):
    results = bulk(
        acme,
        {"content": "a", "external_id": "a", "links": [{"kind": "follows", "external_id": "b"}]},
        {"content": "b", "external_id": "b", "links": [{"kind": "supports", "external_id": "a"}]},
        {"content": "c", "links": [{"kind": "about", "external_id": "never"}]},
    ).json()["results"]
    links = [acme.get(f"/api/v1/memories/{each['id']}").json()["links"] for each in results]
    assert [each[0]["target"] for each in links] == [results[1]["id"], results[0]["id"], None]


def test_a_link_is_resolved_by_a_later_batch(acme):
    link = {"kind": "follows", "external_id": "late"}
    [first] = bulk(acme, {"content": "a", "links": [link]}).json()["results"]
    [late] = bulk(acme, {"content": "b", "external_id": "late"}).json()["results"]
    assert acme.get(f"/api/v1/memories/{first['id']}").json()["links"][0]["target"] == late["id"]


def test_given_vector_is_stored(acme):
    axis = [0.0] * (DIMENSION - 1) + [2.0]
    response = bulk(acme, {"content": "a", "embedding": axis}, {"content": "b", "embedding": axis})
    assert response.status_code == 200
    first, second = acme.search("anything", search_type="neural")
    assert first["score"] == pytest.approx(second["score"])


def test_more_lines_than_one_transaction_takes(acme):
    axis = [1.0] + [0.0] * (DIMENSION - 1)
    lines = [
        {"content": f"n{number}", "external_id": f"e-{number}", "embedding": axis} for number in range(501)
    ]
    response = bulk(acme, *lines)
    body = response.json()
    assert (response.status_code, body["stored"]) == (200, 501)
    assert [line["line"] for line in body["results"]] == list(range(1, 502))
    assert [line["external_id"] for line in body["results"]] == [line["external_id"] for line in lines]
    assert acme.search("n500", search_type="knowledge")[0]["external_id"] == "e-500"


def test_each_batch_leaves_one_decision_that_names_its_memories(acme):
    results = bulk(acme, {"content": "a"}, {"content": "b"}).json()["results"]
    [decision] = acme.get("/api/v1/decisions?operation=memory.store_many").json()["results"]
    assert [each["id"] for each in decision["memories"]] == [each["id"] for each in results]


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "", "application/octet-stream"])
def test_the_content_type_does_not_matter(acme, content_type):
    assert bulk(acme, {"content": "a"}, content_type=content_type).json()["stored"] == 1


def test_a_body_past_the_bulk_limit_is_413(acme, settings):
    settings.LIFTOS_MAX_BULK_BYTES = 1_000
    response = bulk(acme, {"content": "x" * 1_000})
    assert response.status_code == 413
    assert response.json()["code"] == "liftos.body_too_large"
    assert count(acme) == 0


def test_a_bulk_body_may_be_larger_than_others(acme, settings):
    settings.LIFTOS_MAX_BODY_BYTES = 1_000
    assert bulk(acme, {"content": "x" * 1_000}).json()["stored"] == 1


def test_past_the_last_line_reading_ends_and_says_where(acme, monkeypatch):
    monkeypatch.setattr("memory.bulk.requests.MAX_LINES", 2)
    response = bulk(acme, {"content": "a"}, {"content": "b"}, {"content": "c"})
    assert response.status_code == 207
    assert [(line["line"], line["status"]) for line in response.json()["results"]] == [
        (1, 201),
        (2, 201),
        (3, 413),
    ]
    assert count(acme) == 2
