"""The old platform's routes of conceptual spaces, field for field."""

import re
import time

import pytest


def create(caller, name="brand", names=("price", "quality"), query=None):
    return caller.post(f"/conceptual-spaces/create?{query or f'name={name}'}", list(names))


def test_creating_a_space(acme):
    response = create(acme)
    assert response.status_code == 200
    body = response.json()
    assert list(body) == ["success", "message", "data", "errors", "metadata"]
    assert (body["success"], body["message"], body["errors"]) == (
        True, "Conceptual space created successfully", None,
    )  # fmt: skip
    assert list(body["data"]) == ["space_id", "name", "dimensions", "org_id"]
    assert re.fullmatch(rf"space_{acme.slug}_[0-9a-f]{{8}}", body["data"]["space_id"])
    assert body["data"] | {"space_id": ""} == {
        "space_id": "", "name": "brand", "dimensions": ["price", "quality"], "org_id": acme.slug,
    }  # fmt: skip
    assert list(body["metadata"]) == ["correlation_id", "enhanced_feature"]
    assert body["metadata"]["enhanced_feature"] == "conceptual_spaces"


def test_listing_spaces(acme, rival):
    made = create(acme).json()["data"]["space_id"]
    create(rival, "theirs")
    body = acme.get("/conceptual-spaces").json()
    assert body["message"] == "Conceptual spaces retrieved"
    assert body["metadata"] is None
    assert list(body["data"]) == ["conceptual_spaces", "count"]
    assert body["data"]["count"] == 1
    assert list(body["data"]["conceptual_spaces"]) == [made]
    space = body["data"]["conceptual_spaces"][made]
    assert list(space) == [
        "name", "dimensions", "concepts_count", "relationships_count", "created_at", "updated_at",
    ]  # fmt: skip
    assert space["dimensions"] == ["price", "quality"]
    assert abs(space["created_at"] - time.time()) < 60
    assert type(space["updated_at"]) is float


def test_without_a_space_the_list_is_empty_also_after_a_search(acme):
    acme.post("/search/conceptual", {"query": "cheap"})
    assert acme.get("/conceptual-spaces").json()["data"] == {"conceptual_spaces": {}, "count": 0}


def test_the_counts_elsewhere_follow(acme):
    assert (
        acme.post("/search", {"query": "x"}).json()["data"]["performance_metrics"][
            "conceptual_spaces_available"
        ]
        == 0
    )
    create(acme)
    answer = acme.post("/search", {"query": "x"}).json()
    assert answer["data"]["performance_metrics"]["conceptual_spaces_available"] == 1
    metrics = acme.get("/performance/metrics").json()["data"]
    assert metrics["memory_performance"]["conceptual_spaces_count"] == 1
    assert metrics["summary"]["conceptual_spaces_count"] == 1


def test_conceptual_search_finds_by_concept(acme):
    acme.store("a luxury watch that costs a fortune")
    acme.store("a cheap bargain, costs little")
    body = acme.post("/search/conceptual", {"query": "cheap", "limit": 1}).json()
    assert body["data"]["search_type"] == "conceptual"
    assert body["data"]["results"][0]["content"] == "a cheap bargain, costs little"


def test_storing_tells_whether_the_memory_was_placed(acme, monkeypatch):
    stored = acme.post("/store", {"content": "cheap shoes"}).json()["data"]
    assert stored["enhanced_features"]["conceptual_mapping"] is True
    [space] = acme.get("/api/v1/spaces").json()["results"]
    position = acme.get(f"/api/v1/spaces/{space['id']}/positions?memory={stored['memory_id']}").json()
    assert position["results"][0]["coordinates"]["price"]["value"] is not None


def test_memory_that_could_not_be_placed_is_reported(rival, monkeypatch):
    from liftos.kernel.embedding import EmbedderUnavailable

    def away(organisation):
        raise EmbedderUnavailable

    monkeypatch.setattr("memory.index.embeddings.active_manager", away)
    monkeypatch.setattr("spaces.placement.axes.active_manager", away)
    stored = rival.post("/store", {"content": "cheap shoes"}).json()["data"]
    assert stored["enhanced_features"]["conceptual_mapping"] is False


@pytest.mark.parametrize(
    ("path", "body", "loc", "kind"),
    [
        ("/conceptual-spaces/create", ["a"], ["query", "name"], "missing"),
        ("/conceptual-spaces/create?name=", ["a"], ["query", "name"], "string_too_short"),
        ("/conceptual-spaces/create?name=x", None, ["body"], "missing"),
        ("/conceptual-spaces/create?name=x", {"a": 1}, ["body"], "list_type"),
        ("/conceptual-spaces/create?name=x", [1], ["body", 0], "string_type"),
        ("/conceptual-spaces/create?name=x", [], ["body"], "too_short"),
        (
            "/conceptual-spaces/create?name=x",
            ["a", "A"],
            ["body", "dimensions", 1, "name"],
            "spaces.invalid_dimension",
        ),
    ],
)
def test_a_field_at_fault_is_422_and_named(acme, path, body, loc, kind):
    response = acme.post(path, body) if body is not None else acme.send(path, "", "application/json")
    assert response.status_code == 422
    item = response.json()["detail"][0]
    assert (item["loc"], item["type"]) == (loc, kind)
    assert acme.get("/conceptual-spaces").json()["data"]["count"] == 0


def test_two_of_one_name_are_409(acme):
    create(acme)
    assert create(acme).status_code == 409


def test_missing_credential_is_401(client):
    for send, path in ((client.get, "/conceptual-spaces"), (client.post, "/conceptual-spaces/create?name=x")):
        assert send(path).json() == {"detail": "User context required"}
