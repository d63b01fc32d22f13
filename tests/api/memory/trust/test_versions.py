"""PATCH, ETags and history."""

import pytest

from tests.api.memory.trust.conftest import Life
from tests.api.routes import NOBODYS_ID


def test_a_change_is_a_new_version_with_its_history(acme, life):
    memory = acme.store("The shop opens at nine", tags=["a"])
    assert acme.get(f"/api/v1/memories/{memory}")["ETag"] == '"1"'
    answer = life.patch(memory, 1, content="The shop opens at ten", reason="new hours")
    assert (answer.status_code, answer["ETag"], answer.json()["version"]) == (200, '"2"', 2)
    assert life.patch(memory, 2, tags=[]).json()["version"] == 3
    newest, middle, oldest = life.history(memory)
    assert [each["version"] for each in (newest, middle, oldest)] == [3, 2, 1]
    assert (newest["before"]["tags"], newest["after"]["tags"]) == (["a"], [])
    assert middle["before"]["content"] == "The shop opens at nine"
    assert middle["after"]["content"] == "The shop opens at ten"
    assert (middle["reason"], middle["actor"]["kind"]) == ("new hours", "api_key")
    assert middle["decision_id"] == answer.json()["decision_id"]
    assert (oldest["operation"], oldest["before"]) == ("memory.store", None)
    assert oldest["after"]["content"] == "The shop opens at nine"
    assert newest["recorded_at"] > middle["recorded_at"] > oldest["recorded_at"]


def test_the_record_of_a_search_names_the_versions_and_moments(acme, life):
    memory = acme.store("The shop opens at nine", tags=["hours"])
    before = acme.get(f"/api/v1/memories/{memory}").json()["recorded_at"]
    life.patch(memory, 1, content="The shop opens at ten")

    def receipt(**options):
        asked = {"query": "when does the shop open", **options}
        answer = acme.post("/api/v1/search", asked).json()
        return acme.get(f"/api/v1/decisions/{answer['decision_id']}").json()

    now = receipt()
    assert [(used["id"], used["version"]) for used in now["memories"]] == [(memory, 2)]
    then = receipt(known_at=before, states=["active"])
    assert [(used["id"], used["version"]) for used in then["memories"]] == [(memory, 1)]
    assert (then["inputs"]["known_at"][:23], then["inputs"]["states"]) == (before[:23], ["active"])
    assert "Filters on states, known_at came first." in then["reasoning"]
    batch = acme.post("/api/v1/search/batch", {"queries": ["the shop"]}).json()
    [used] = acme.get(f"/api/v1/decisions/{batch['decision_id']}").json()["memories"]
    assert (used["id"], used["version"], used["query"]) == (memory, 2, 0)


def test_pages_of_a_history_cover_it_once(acme, life):
    memory = acme.store("0")
    for number in range(1, 5):
        assert life.patch(memory, number, content=str(number)).status_code == 200
    whole = life.history(memory)
    seen, following = [], f"/api/v1/memories/{memory}/history?limit=2"
    while following:
        page = acme.get(following).json()
        seen += page["results"]
        following = page["next"]
    assert seen == whole
    assert [change["version"] for change in seen] == [5, 4, 3, 2, 1]


@pytest.mark.parametrize(
    ("tag", "status"),
    [(None, 428), ('"2"', 412), ('W/"1"', 412), ('"x"', 412), ('"99999999999999"', 412), ("1", 400), ('"1', 400),
     ('"1","2"', 400), ("*", 200), ('"1"', 200), (' "1" ', 200), ('W/"9","1"', 200)],
)  # fmt: skip
def test_a_change_names_the_version_it_is_made_from(acme, life, tag, status):
    memory = acme.store("x")
    response = life.patch(memory, tag, content="y")
    assert response.status_code == status, response.content
    assert acme.get(f"/api/v1/memories/{memory}").json()["content"] == ("y" if status == 200 else "x")


def test_the_second_of_two_changes_from_one_version_is_412(acme, life):
    memory = acme.store("x")
    assert life.patch(memory, 1, content="y").status_code == 200
    late = life.patch(memory, 1, content="z")
    assert (late.status_code, late.json()["code"]) == (412, "memory.version_mismatch")
    assert acme.post(f"/api/v1/memories/{memory}/reject", {}, **{"if-match": '"1"'}).status_code == 412
    assert acme.delete(f"/api/v1/memories/{memory}", **{"if-match": '"1"'}).status_code == 412
    assert acme.delete(f"/api/v1/memories/{memory}", **{"if-match": '"2"'}).status_code == 200


def test_a_change_of_nothing_makes_no_version(acme, life):
    memory = acme.store("x", metadata={"a": 1})
    answer = life.patch(memory, 1, content="x", metadata={"a": 1})
    assert (answer.json()["version"], answer.json()["decision_id"]) == (1, None)
    assert len(life.history(memory)) == 1


def test_a_change_of_metadata_keeps_the_vector(acme, life):
    memory = acme.store("Boots sell in rain", metadata={"a": 1})
    life.patch(memory, 1, metadata={"a": 2})
    for search_type in ("neural", "knowledge", "hybrid"):
        assert life.found("boots rain", search_type=search_type, filters={"a": 2}) == [memory]
        assert life.found("boots rain", search_type=search_type, filters={"a": 1}) == []


@pytest.mark.parametrize(
    "body",
    [{"content": None}, {"content": 5}, {"metadata": []}, {"tags": "x"}, {"tags": None}, {"importance": 2},
     {"valid_from": "x"}, {"valid_from": "2025-01-01T00:00:00Z", "valid_to": "2024-01-01T00:00:00Z"},
     {"valid_to": "2019-01-01T00:00:00Z"}, {"memory_type": "x" * 101}, {"reason": 3}],
)  # fmt: skip
def test_a_bad_field_is_422_and_changes_nothing(acme, life, body):
    memory = acme.store("x", valid_from="2020-01-01T00:00:00Z")
    assert life.patch(memory, 1, **body).status_code == 422
    assert acme.get(f"/api/v1/memories/{memory}").json()["version"] == 1


def test_null_clears_a_time(acme, life):
    memory = acme.store("x", valid_to="2020-01-01T00:00:00Z", ttl_seconds=60)
    assert life.patch(memory, 1, valid_to=None, expires_at=None).status_code == 200
    got = acme.get(f"/api/v1/memories/{memory}").json()
    assert (got["valid_to"], got["expires_at"]) == (None, None)


@pytest.mark.parametrize(
    "field", ["source", "external_id", "links", "organisation", "id", "version", "recorded_at"]
)
def test_what_can_not_be_changed_is_refused_by_name(acme, life, field):
    memory = acme.store("x", source="crm")
    before = acme.get(f"/api/v1/memories/{memory}").json()
    refused = life.patch(memory, 1, content="y", **{field: "rejected"})
    assert refused.status_code == 422
    assert [each["loc"] for each in refused.json()["errors"]] == [["body", field]]
    assert acme.get(f"/api/v1/memories/{memory}").json() == before


def test_sources_are_kept_and_must_exist(acme, rival):
    source, theirs = acme.store("Ann said so"), rival.store("Bob said so")
    made = acme.store("So it is", derived_from=[source, source])
    [link] = acme.get(f"/api/v1/memories/{made}").json()["links"]
    assert (link["kind"], link["external_id"], link["weight"], link["target"]) == (
        "derived_from",
        None,
        1.0,
        source,
    )
    for unknown in (theirs, NOBODYS_ID):
        response = acme.post("/api/v1/memories", {"content": "x", "derived_from": [source, unknown]})
        assert (response.status_code, response.json()["code"]) == (422, "memory.unknown_source")


def test_anothers_memory_is_404(rival, life):
    theirs = rival.store("x")
    assert life.patch(theirs, 1, content="y").status_code == 404
    assert life.caller.get(f"/api/v1/memories/{theirs}/history").status_code == 404
    assert Life(rival).history(theirs)[0]["version"] == 1


def test_another_organisations_cursor_leads_nowhere(acme, rival, life):
    theirs = rival.store("x")
    Life(rival).patch(theirs, 1, content="y")
    following = rival.get(f"/api/v1/memories/{theirs}/history?limit=1").json()["next"]
    mine = acme.store("x")
    cursor = following.split("cursor=")[1].split("&")[0]
    answer = acme.get(f"/api/v1/memories/{mine}/history?cursor={cursor}")
    assert answer.json()["results"] == []


@pytest.mark.parametrize("body", [{}, {"reason": "none"}])
def test_a_change_of_nothing_is_422(acme, life, body):
    memory = acme.store("x")
    response = life.patch(memory, 1, **body)
    assert response.status_code == 422
    assert response.json()["errors"][0]["type"] == "no_change"
    assert acme.get(f"/api/v1/memories/{memory}").json()["version"] == 1
