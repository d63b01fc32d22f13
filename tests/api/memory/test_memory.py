"""GET and DELETE /api/v1/memories/{id}."""

import pytest

from tests.api.routes import NOBODYS_ID

SEARCH_TYPES = ["neural", "knowledge", "hybrid", "conceptual"]


def test_a_deleted_memory_is_gone_from_everywhere(acme):
    kept = acme.store("Holiday campaign kept", metadata={"a": 1}, memory_type="note")
    memory = acme.store("Holiday campaign deleted", metadata={"a": 1}, memory_type="note", external_id="e-1")
    response = acme.delete(f"/api/v1/memories/{memory}")
    assert response.status_code == 200
    assert acme.get(f"/api/v1/memories/{memory}").status_code == 404
    assert [row["id"] for row in acme.get("/api/v1/memories").json()["results"]] == [kept]
    assert acme.get("/api/v1/memories?external_id=e-1").json()["results"] == []
    for search_type in SEARCH_TYPES:
        for narrowed in ({}, {"filters": {"a": 1}}, {"memory_type": "note"}):
            ids = [hit["id"] for hit in acme.search("holiday deleted", search_type=search_type, **narrowed)]
            assert memory not in ids
    results = acme.post("/search", {"query": "holiday deleted"}).json()["data"]["results"]
    assert [result["id"] for result in results] == [kept]


def test_a_delete_answers_with_its_decision(acme):
    memory = acme.store("x")
    body = acme.delete(f"/api/v1/memories/{memory}").json()
    assert list(body) == ["id", "deleted", "decision_id", "erasure_id"]
    assert (body["id"], body["deleted"]) == (memory, True)
    decision = acme.get(f"/api/v1/decisions/{body['decision_id']}").json()
    assert (decision["operation"], decision["subject_id"]) == ("memory.delete", memory)


def test_a_second_delete_is_404(acme):
    memory = acme.store("x")
    statuses = [acme.delete(f"/api/v1/memories/{memory}").status_code for _ in range(2)]
    assert statuses == [200, 404]


def test_the_external_id_is_free_again_after_a_delete(acme):
    first = acme.store("x", external_id="e-1")
    acme.delete(f"/api/v1/memories/{first}")
    assert acme.store("something else", external_id="e-1") != first


def test_deleting_a_links_target_leaves_the_memory(acme):
    target = acme.store("target", external_id="t")
    memory = acme.store("x", links=[{"kind": "follows", "external_id": "t"}])
    acme.delete(f"/api/v1/memories/{target}")
    response = acme.get(f"/api/v1/memories/{memory}")
    assert response.status_code == 200
    assert target not in response.content.decode()


def test_deleted_words_leave_the_statistics(acme):
    acme.store("zebra zebra zebra")
    memory = acme.store("zebra giraffe")
    [before] = [hit for hit in acme.search("giraffe", search_type="knowledge") if hit["id"] == memory]
    again = acme.store("giraffe giraffe giraffe giraffe")
    acme.delete(f"/api/v1/memories/{again}")
    [after] = acme.search("giraffe", search_type="knowledge")
    assert after["explanation"][0]["raw"] == pytest.approx(before["explanation"][0]["raw"])


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_an_unknown_id_is_404(acme, method):
    response = acme.client.generic(
        method, f"/api/v1/memories/{NOBODYS_ID}", headers={"authorization": f"Bearer {acme.token}"}
    )
    assert response.status_code == 404
    assert response["Content-Type"] == "application/problem+json"
    assert response.json()["code"] == "memory.not_found"


@pytest.mark.parametrize("method", ["GET", "DELETE"])
@pytest.mark.parametrize(
    "rubbish", ["rubbish", "%00", "%ff", "0", "..%2f", "null", "a" * 3000, NOBODYS_ID + "0"]
)
def test_path_without_an_id_is_404(acme, method, rubbish):
    response = acme.client.generic(
        method, f"/api/v1/memories/{rubbish}", headers={"authorization": f"Bearer {acme.token}"}
    )
    assert response.status_code == 404
    assert response["Content-Type"] == "application/problem+json"
    assert response["X-Correlation-Id"] == response.json()["correlation_id"]


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_a_wrong_method_is_405(acme, method):
    response = acme.client.generic(method, f"/api/v1/memories/{NOBODYS_ID}")
    assert response.status_code == 405
    assert {each.strip() for each in response["Allow"].split(",")} >= {"GET", "DELETE"}
    assert response.json()["status"] == 405
