"""Searches and lists by trust state, valid time and transaction time."""

from datetime import timedelta

import pytest
from django.utils import timezone

from liftos.kernel.tenancy.operations import create_api_key
from liftos.kernel.tenancy.types import SYSTEM, Scope
from tests.factories.callers import Caller

SEARCHES = ["neural", "knowledge", "hybrid"]


def found(caller, query, **fields):
    return [hit["id"] for hit in caller.search(query, **fields)]


def listed(caller, query=""):
    return [memory["id"] for memory in caller.get(f"/api/v1/memories{query}").json()["results"]]


@pytest.mark.parametrize("search_type", SEARCHES)
def test_a_rejected_memory_is_not_found_and_a_contested_one_is_marked(acme, life, search_type):
    wrong, doubted, right = (
        acme.store(f"The lighthouse opens at {hour}") for hour in ("nine", "ten", "eleven")
    )
    life.correct(wrong, "reject")
    life.correct(doubted, "contest")
    hits = {
        hit["id"]: hit["state"]
        for hit in acme.search("When does the lighthouse open", search_type=search_type)
    }
    assert hits == {doubted: "contested", right: "active"}
    assert set(listed(acme)) == {doubted, right}
    assert found(acme, "lighthouse", search_type=search_type, states=["rejected"]) == [wrong]
    assert listed(acme, "?states=rejected") == [wrong]


def test_proposing_key_stores_candidates_whatever_state_it_sends(acme, life):
    _, token = create_api_key(
        organisation=acme.organisation,
        by=SYSTEM,
        name="agent",
        scopes=[Scope.MEMORY_PROPOSE, Scope.MEMORY_READ],
    )
    agent = Caller(acme.organisation, acme.slug, token, acme.client)
    answer = agent.post(
        "/api/v1/memories", {"content": "The ferry is free", "state": "active", "trust": "active"}
    )
    assert answer.status_code == 201
    proposed = answer.json()["id"]
    assert answer.json()["state"] == "candidate"
    assert found(acme, "ferry") == []
    assert found(acme, "ferry", states=["active", "candidate"]) == [proposed]
    assert agent.post(f"/api/v1/memories/{proposed}/confirm", {}).status_code == 403
    assert life.correct(proposed, "confirm", reason="asked the harbour")["state"] == "active"
    assert found(acme, "ferry") == [proposed]


def test_superseding_ends_the_old_facts_validity_and_keeps_its_history(acme, life):
    old = acme.store("The lighthouse keeper is Ann", valid_from="2020-01-01T00:00:00Z")
    before = timezone.now().isoformat()
    answer = life.correct(
        old,
        "supersede",
        content="The lighthouse keeper is Bob",
        valid_from="2024-06-01T00:00:00Z",
        reason="retired",
    )
    new = answer["superseded_by"]
    assert answer["state"] == "superseded"
    question = "Who is the lighthouse keeper"
    for search_type in SEARCHES:
        assert found(acme, question, search_type=search_type) == [new]
        # what was true in 2022, as we now know it; and in 2025
        assert found(acme, question, search_type=search_type, as_of="2022-01-01T00:00:00Z") == [old]
        assert found(acme, question, search_type=search_type, as_of="2025-01-01T00:00:00Z") == [new]
        # what we believed before: that it was Ann, also in 2025
        assert found(acme, question, search_type=search_type, known_at=before) == [old]
        then = {"as_of": "2025-01-01T00:00:00Z", "known_at": before}
        assert found(acme, question, search_type=search_type, **then) == [old]
    kept = acme.get(f"/api/v1/memories/{old}").json()
    assert (kept["state"], kept["superseded_by"], kept["valid_to"]) == (
        "superseded",
        new,
        "2024-06-01T00:00:00Z",
    )
    assert listed(acme) == [new]
    assert listed(acme, "?as_of=2022-01-01T00:00:00Z") == [old]


def test_a_changed_text_is_found_by_what_it_said_then(acme, life):
    memory = acme.store("The harbour is open on Monday", metadata={"day": "monday"}, tags=["a"])
    before = timezone.now().isoformat()
    assert (
        life.patch(
            memory, 1, content="The harbour is open on Tuesday", metadata={"day": "tuesday"}
        ).status_code
        == 200
    )
    for search_type in SEARCHES:
        [now] = acme.search("harbour open tuesday", search_type=search_type)
        assert (now["id"], now["content"], now["version"]) == (memory, "The harbour is open on Tuesday", 2)
        [then] = acme.search("harbour open monday", search_type=search_type, known_at=before)
        assert (then["id"], then["content"], then["version"]) == (memory, "The harbour is open on Monday", 1)
    assert found(acme, "monday", search_type="knowledge") == []
    assert found(acme, "tuesday", search_type="knowledge", known_at=before) == []
    assert found(acme, "harbour", filters={"day": "monday"}) == []
    assert found(acme, "harbour", filters={"day": "monday"}, known_at=before) == [memory]
    [shown] = acme.get(f"/api/v1/memories?known_at={before.replace('+', '%2B')}").json()["results"]
    assert (shown["id"], shown["content"], shown["metadata"]) == (
        memory,
        "The harbour is open on Monday",
        {"day": "monday"},
    )
    assert listed(acme) == [memory]


def test_nothing_was_known_before_it_was_recorded(acme, life):
    early = (timezone.now() - timedelta(days=1)).isoformat()
    memory = acme.store("The bridge is closed")
    assert found(acme, "bridge", known_at=early) == []
    assert found(acme, "bridge") == [memory]


def test_rejecting_does_not_undo_that_it_was_believed(acme, life):
    memory = acme.store("The bridge is closed")
    before = timezone.now().isoformat()
    life.correct(memory, "reject")
    assert found(acme, "bridge", known_at=before) == [memory]
    assert found(acme, "bridge", known_at=timezone.now().isoformat()) == []
    assert found(acme, "bridge", as_of=before) == []


def test_expired_memory_is_not_found_even_before_the_sweep(acme, life):
    # long before the test's transaction began, at which the database's clock stands still
    past = (timezone.now() - timedelta(hours=1)).isoformat()
    over = acme.store("The offer of boots ends today", expires_at=past)
    running = acme.store("The offer of shoes goes on", ttl_seconds=3600)
    for search_type in SEARCHES:
        assert found(acme, "offer", search_type=search_type) == [running]
    assert listed(acme) == [running]
    assert acme.get(f"/api/v1/memories/{over}").json()["state"] == "active"


@pytest.mark.parametrize(
    ("moment", "expected"), [("2019-12-31", 0), ("2020-01-01", 1), ("2020-06-30", 1), ("2020-07-01", 0)]
)
def test_a_fact_is_true_from_its_beginning_until_its_end(acme, life, moment, expected):
    acme.store("The road is closed", valid_from="2020-01-01T00:00:00Z", valid_to="2020-07-01T00:00:00Z")
    assert len(acme.search("road", as_of=f"{moment}T00:00:00Z")) == expected


def test_filters_of_state_hold_before_the_limit(acme, life):
    for number in range(12):
        life.correct(acme.store(f"Boots sell in rain, case {number}"), "reject")
    kept = acme.store("Boots, once, sold in the rain and on some other occasions too, it is said")
    for search_type in SEARCHES:
        assert found(acme, "boots sell in rain", search_type=search_type, limit=1) == [kept]


@pytest.mark.parametrize("field", ["as_of", "known_at"])
@pytest.mark.parametrize("value", ["yesterday", "", 5e30, [], "2024-13-01T00:00:00Z"])
def test_invalid_time_is_422(acme, life, field, value):
    response = acme.post("/api/v1/search", {"query": "x", field: value})
    assert response.status_code == 422
    assert response.json()["errors"][0]["loc"][:2] == ["body", field]


@pytest.mark.parametrize("states", [["unheard"], [], "active", ["active"] * 8])
def test_states_that_are_none_are_422(acme, life, states):
    assert acme.post("/api/v1/search", {"query": "x", "states": states}).status_code == 422
    assert acme.get("/api/v1/memories?states=unheard").status_code == 422


def test_what_takes_its_place_now_can_not_have_ended_before(acme):
    memory = acme.store("held until now")
    ended = {"content": "held before", "valid_to": "2020-01-01T00:00:00Z"}
    response = acme.post(f"/api/v1/memories/{memory}/supersede", ended)
    assert response.status_code == 422
    assert response.json()["errors"][0]["loc"] == ["body", "valid_to"]
    assert acme.get(f"/api/v1/memories/{memory}").json()["state"] == "active"
    then = ended | {"valid_from": "2019-01-01T00:00:00Z"}
    assert acme.post(f"/api/v1/memories/{memory}/supersede", then).status_code == 201
