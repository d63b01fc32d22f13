"""Upserts, restores, and many memories at once: get, batch, delete by ids and by conditions."""

from uuid import uuid4

import pytest

from memory.erasure import deletions

PUT = "/api/v1/memories?source=crm&external_id=e-1"


def put(caller, body, url=PUT, **headers):
    sent = {"authorization": f"Bearer {caller.token}"} | headers
    return caller.client.put(url, body, content_type="application/json", headers=sent)


def delete(caller, url, **headers):
    return caller.client.delete(url, headers={"authorization": f"Bearer {caller.token}"} | headers)


def contents(caller):
    return sorted((each["content"] for each in caller.get("/api/v1/memories").json()["results"]), key=str)


def test_put_stores_then_changes_then_does_nothing(acme, rival):
    first = put(acme, {"content": "one", "tags": ["a"], "metadata": {"n": 1}})
    assert (first.status_code, first.json()["outcome"], first.json()["version"]) == (201, "stored", 1)
    memory = first.json()["id"]
    second = put(acme, {"content": "two", "metadata": {"n": 1}, "source": "crm", "external_id": "e-1"})
    assert (second.status_code, second.json()["outcome"], second.json()["id"]) == (200, "changed", memory)
    assert (second.json()["version"], second["etag"]) == (2, '"2"')
    third = put(acme, {"content": "two", "metadata": {"n": 1}})
    assert (third.status_code, third.json()["outcome"], third.json()["version"]) == (200, "unchanged", 2)
    assert third.json()["decision_id"] is None
    got = acme.get(f"/api/v1/memories/{memory}").json()
    assert (got["content"], got["tags"], got["source"], got["external_id"]) == ("two", [], "crm", "e-1")
    assert put(rival, {"content": "one"}).status_code == 201
    assert acme.get(f"/api/v1/memories/{memory}/history").json()["results"][0]["before"]["content"] == "one"


def test_put_keeps_an_expiry_that_it_does_not_name(acme):
    memory = put(acme, {"content": "one", "ttl_seconds": 5000}).json()["id"]
    before = acme.get(f"/api/v1/memories/{memory}").json()["expires_at"]
    assert put(acme, {"content": "two"}).json()["outcome"] == "changed"
    assert acme.get(f"/api/v1/memories/{memory}").json()["expires_at"] == before is not None


def test_put_ends_an_expiry_with_null(acme):
    memory = put(acme, {"content": "one", "ttl_seconds": 5000}).json()["id"]
    assert put(acme, {"content": "two", "expires_at": None}).json()["outcome"] == "changed"
    assert acme.get(f"/api/v1/memories/{memory}").json()["expires_at"] is None


def test_put_obeys_if_match_and_idempotency_keys(acme):
    assert put(acme, {"content": "one"}, **{"if-match": '"1"'}).status_code == 412
    first = put(acme, {"content": "one"}, **{"idempotency-key": "k"})
    again = put(acme, {"content": "one"}, **{"idempotency-key": "k"})
    assert (first.status_code, again.status_code, again["idempotent-replayed"]) == (201, 201, "true")
    assert put(acme, {"content": "two"}, **{"if-match": '"2"'}).status_code == 412
    assert put(acme, {"content": "two"}, **{"if-match": '"1"'}).json()["version"] == 2


def test_put_does_not_change_what_is_rejected(acme):
    memory = put(acme, {"content": "the price is 10"}).json()["id"]
    assert acme.post(f"/api/v1/memories/{memory}/reject", {}).status_code == 200
    assert put(acme, {"content": "another"}).status_code == 409
    assert put(acme, {"content": "The price is 10"}, "/api/v1/memories?external_id=x").status_code == 409


@pytest.mark.parametrize(
    ("url", "body", "loc"),
    [
        ("/api/v1/memories", {"content": "x"}, ["query", "external_id"]),
        ("/api/v1/memories?external_id=", {"content": "x"}, ["query", "external_id"]),
        (PUT + "&colour=1", {"content": "x"}, ["query", "colour"]),
        ("/api/v1/memories?external_id=e&source=" + "s" * 101, {"content": "x"}, ["query", "source"]),
        (PUT, {"content": "x", "source": "erp"}, ["body", "source"]),
        (PUT, {"content": "x", "external_id": "f"}, ["body", "external_id"]),
        (PUT, {"content": ""}, ["body", "content"]),
        (PUT, {}, ["body", "content"]),
        (PUT, {"content": "x", "tags": "a"}, ["body", "tags"]),
    ],
)
def test_put_names_what_is_invalid(acme, url, body, loc):
    response = put(acme, body, url)
    assert response.status_code == 422, response.content
    assert response.json()["errors"][0]["loc"] == loc
    assert contents(acme) == []


def test_restore_brings_a_version_back(acme, rival):
    memory = put(acme, {"content": "one", "tags": ["a"], "metadata": {"n": 1}}).json()["id"]
    put(acme, {"content": "two"})
    path = f"/api/v1/memories/{memory}/restore"
    restored = acme.post(path, {"version": 1, "reason": "wrong"})
    assert (restored.status_code, restored.json()["version"]) == (200, 3)
    got = acme.get(f"/api/v1/memories/{memory}").json()
    assert (got["content"], got["tags"], got["metadata"]) == ("one", ["a"], {"n": 1})
    newest = acme.get(f"/api/v1/memories/{memory}/history").json()["results"][0]
    assert newest["reason"] == "Restores version 1. wrong"
    assert acme.post(path, {"version": 3}).json()["decision_id"] is None
    assert acme.search("one")[0]["id"] == memory
    assert acme.post(path, {"version": 9}).status_code == 404
    assert rival.post(path, {"version": 1}).status_code == 404
    for body in ({}, {"version": 0}, {"version": "x"}, {"version": 1, "colour": 1}):
        assert acme.post(path, body).status_code == 422


def test_get_many(acme, rival):
    first, second, foreign = acme.store("one"), acme.store("two"), rival.store("three")
    unknown = str(uuid4())
    answer = acme.post("/api/v1/memories/get", {"ids": [second, unknown, first, foreign, second]})
    results = answer.json()["results"]
    assert [each["status"] for each in results] == [200, 404, 200, 404, 200]
    assert [each["id"] for each in results] == [second, unknown, first, foreign, second]
    assert results[2]["memory"] == acme.get(f"/api/v1/memories/{first}").json()
    for ids in ([], ["x"], None, [unknown] * 201):
        assert acme.post("/api/v1/memories/get", {"ids": ids}).status_code == 422


def test_batch_has_a_result_each(acme):
    acme.store("there", external_id="e")
    acme.post(f"/api/v1/memories/{acme.store('the price is 10')}/reject", {})
    sent = {
        "memories": [
            {"content": "one", "tags": ["a"]},
            {"content": "there", "external_id": "e"},
            {"content": "other", "external_id": "e"},
            {"content": "The price is 10"},
            {"content": {"b": 1}},
            {"content": "x", "derived_from": [str(uuid4())]},
        ]
    }
    answer = acme.post("/api/v1/memories/batch", sent)
    assert answer.status_code == 200, answer.content
    results = answer.json()["results"]
    assert [each["status"] for each in results] == [201, 200, 409, 409, 201, 422]
    assert results[3]["error"]["code"] == "memory.value_rejected"
    assert contents(acme) == ["one", "there", {"b": 1}]


@pytest.mark.parametrize(
    ("body", "loc"),
    [
        ({}, ["memories"]),
        ({"memories": []}, ["memories"]),
        ({"memories": [{"content": "x"}, {"content": ""}]}, ["memories", 1, "content"]),
        ({"memories": [{"content": "x", "colour": 1}]}, ["memories", 0, "colour"]),
        ({"memories": [{"content": "x", "user_id": "a"}]}, ["memories"]),
    ],
)
def test_batch_names_what_is_invalid_and_stores_nothing(acme, body, loc):
    response = acme.post("/api/v1/memories/batch", body)
    assert response.status_code == 422
    assert response.json()["errors"][0]["loc"] == ["body", *loc]
    assert contents(acme) == []


def test_delete_by_ids(acme, rival):
    first, second, foreign = acme.store("one"), acme.store("two"), rival.store("three")
    rehearsed = acme.post("/api/v1/memories/delete", {"ids": [first, foreign], "dry_run": True}).json()
    assert (rehearsed["count"], rehearsed["erased"], rehearsed["results"][0]["deleted"]) == (1, 0, False)
    answer = acme.post("/api/v1/memories/delete", {"ids": [first, foreign, second], "reason": "asked"})
    body = answer.json()
    assert [each["status"] for each in body["results"]] == [200, 404, 200]
    assert (body["count"], body["erased"]) == (2, 2)
    receipt = acme.get(f"/api/v1/erasures/{body['erasure_id']}").json()
    assert receipt["decision_id"] == body["decision_id"]
    assert contents(acme) == []
    assert contents(rival) == ["three"]
    assert acme.post("/api/v1/memories/delete", {"ids": [first]}).json()["results"][0]["status"] == 404


def test_delete_by_conditions(acme, rival):
    for content, source in (("one", "crm/eu"), ("two", "crm/us"), ("three", "erp")):
        acme.store(content, source=source, metadata={"n": len(content)})
        rival.store(content, source=source)
    acme.post(f"/api/v1/memories/{acme.store('four', source='crm/eu')}/reject", {})
    rehearsed = delete(acme, "/api/v1/memories?source_prefix=crm/&dry_run=true").json()
    assert (rehearsed["count"], rehearsed["dry_run"], rehearsed["erasure_id"]) == (3, True, None)
    assert {each["content"] for each in rehearsed["sample"]} == {"one", "two", "four"}
    assert len(contents(acme)) == 3
    done = delete(acme, "/api/v1/memories?source=crm/eu", **{"idempotency-key": "k"})
    assert (done.status_code, done.json()["count"], done.json()["erased"]) == (200, 2, 2)
    assert delete(acme, "/api/v1/memories?source=crm/eu", **{"idempotency-key": "k"}).json() == done.json()
    filtered = acme.post("/api/v1/memories/delete", {"filters": {"OR": [{"n": 3}, {"n": 99}]}}).json()
    assert (filtered["count"], filtered["erased"]) == (1, 1)
    nothing = acme.post("/api/v1/memories/delete", {"tags": ["none"]}).json()
    assert (nothing["count"], nothing["erasure_id"]) == (0, None)
    assert contents(acme) == ["three"]
    assert contents(rival) == ["one", "three", "two"]


@pytest.mark.parametrize(
    ("body", "loc"),
    [
        ({}, []),
        ({"filters": {}}, []),
        ({"reason": "x"}, []),
        ({"ids": []}, ["ids"]),
        ({"ids": ["x"]}, ["ids", 0]),
        ({"ids": [str(uuid4())], "source": "crm"}, []),
        ({"source": "crm", "known_at": "2025-01-01"}, []),
        ({"source": "crm", "limit": 1}, ["limit"]),
        ({"tags": {}}, ["tags"]),
        ({"filters": {"$nor": 1}}, ["filters", "$nor"]),
    ],
)
def test_delete_names_what_is_invalid_and_deletes_nothing(acme, body, loc):
    acme.store("one")
    response = acme.post("/api/v1/memories/delete", body)
    assert response.status_code == 422, response.content
    assert response.json()["errors"][0]["loc"] == ["body", *loc]
    assert contents(acme) == ["one"]


@pytest.mark.parametrize(
    "query", ["", "?filters={}", "?dry_run=true", "?source=", "?source=a&limit=5", "?source=a&x=1"]
)
def test_delete_without_a_condition_is_422(acme, query):
    acme.store("one")
    assert delete(acme, f"/api/v1/memories{query}").status_code == 422
    assert contents(acme) == ["one"]


def test_more_than_a_thousand_are_deleted_by_a_worker(acme, rival, monkeypatch):
    monkeypatch.setattr(deletions, "TOGETHER", 2)
    monkeypatch.setattr(deletions, "send_hint", lambda task, organisation: None)
    for number in range(5):
        acme.store(f"memory {number}", source="crm")
    accepted = delete(acme, "/api/v1/memories?source=crm")
    assert accepted.status_code == 202
    body = accepted.json()
    assert (body["count"], body["erasure_id"]) == (5, None)
    later = acme.store("stored since", source="crm")
    assert acme.get(body["url"]).json()["status"] == "queued"
    assert rival.get(body["url"]).status_code == 404
    assert deletions.list_organisations_with_deletions() == [acme.organisation]
    assert deletions.work_on_next_thousand(organisation=acme.organisation)
    running = acme.get(body["url"]).json()
    assert (running["status"], running["done"], running["erased"]) == ("running", 2, 2)
    while deletions.work_on_next_thousand(organisation=acme.organisation):
        pass
    done = acme.get(body["url"]).json()
    assert (done["status"], done["done"], done["erased"], len(done["erasures"])) == ("done", 5, 5, 3)
    assert acme.get(f"/api/v1/erasures/{done['erasures'][0]}").status_code == 200
    assert [each["id"] for each in acme.get("/api/v1/memories").json()["results"]] == [later]
    assert deletions.list_organisations_with_deletions() == []


def test_a_worker_stops_when_its_caller_may_no_longer_erase(acme, monkeypatch):
    monkeypatch.setattr(deletions, "TOGETHER", 2)
    monkeypatch.setattr(deletions, "send_hint", lambda task, organisation: None)
    monkeypatch.setattr(deletions, "scopes_now", lambda **_: frozenset())
    for number in range(3):
        acme.store(f"memory {number}", source="crm")
    url = delete(acme, "/api/v1/memories?source=crm").json()["url"]
    assert deletions.work_on_next_thousand(organisation=acme.organisation)
    assert not deletions.work_on_next_thousand(organisation=acme.organisation)
    assert acme.get(url).json()["status"] == "stopped"
    assert len(contents(acme)) == 3


def test_deletions_are_listed_and_cancelled(acme, rival, monkeypatch):
    monkeypatch.setattr(deletions, "TOGETHER", 2)
    monkeypatch.setattr(deletions, "send_hint", lambda task, organisation: None)
    for number in range(3):
        acme.store(f"memory {number}", source="crm")
    urls = [delete(acme, "/api/v1/memories?source=crm").json()["url"] for _ in range(2)]
    assert deletions.work_on_next_thousand(organisation=acme.organisation)
    listed = acme.get("/api/v1/memories/deletions?limit=1").json()
    assert ([each["status"] for each in listed["results"]], listed["next"] is None) == (["queued"], False)
    running = acme.get("/api/v1/memories/deletions?status=running").json()["results"]
    assert [each["id"] for each in running] == [urls[0].rsplit("/", 1)[1]]
    assert rival.get("/api/v1/memories/deletions").json()["results"] == []
    assert rival.post(f"{urls[0]}/cancel", {}).status_code == 404
    cancelled = acme.post(f"{urls[0]}/cancel", {"reason": "a mistake"})
    assert (cancelled.status_code, cancelled.json()["status"], cancelled.json()["erased"]) == (
        200,
        "cancelled",
        2,
    )
    assert delete(acme, urls[1]).json()["status"] == "cancelled"
    assert not deletions.work_on_next_thousand(organisation=acme.organisation)
    assert len(contents(acme)) == 1
    again = acme.post(f"{urls[0]}/cancel", {})
    assert (again.status_code, again.json()["code"]) == (409, "memory.job_ended")
    decided = acme.get("/api/v1/decisions?operation=memory.cancel_deletion").json()["results"]
    assert len(decided) == 2
    states = {
        each["status"] for each in acme.get("/api/v1/memories/deletions?status=cancelled").json()["results"]
    }
    assert states == {"cancelled"}
    assert acme.get("/api/v1/memories/deletions?status=lost").status_code == 422


def test_put_changes_who_may_see_it(acme):
    memory = put(acme, {"content": "one"}).json()["id"]
    answer = put(acme, {"content": "two", "visible_to": {"groups": ["nobody"]}})
    assert answer.status_code == 422, answer.content
    assert acme.get(f"/api/v1/memories/{memory}").json()["content"] == "one"
    assert put(acme, {"content": "two", "visible_to": "organisation"}).json()["version"] == 2
