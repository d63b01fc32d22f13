"""`state` and `trust` in a body: a wish, granted as far as the key's scopes allow, never refused."""

import json

import pytest

from liftos.kernel.tenancy.operations import create_api_key
from liftos.kernel.tenancy.types import SYSTEM, Scope
from tests.factories.callers import Caller


def caller_with(acme, *scopes):
    _, token = create_api_key(
        organisation=acme.organisation, by=SYSTEM, name="agent", scopes=frozenset(scopes)
    )
    return Caller(acme.organisation, acme.slug, token, acme.client)


@pytest.fixture
def agent(acme):
    return caller_with(acme, Scope.MEMORY_PROPOSE, Scope.MEMORY_READ)


@pytest.fixture
def curator(acme):
    return caller_with(acme, Scope.MEMORY_WRITE, Scope.MEMORY_READ)


STORED = [
    ({"state": "candidate"}, "candidate"), ({"state": "active"}, "active"), ({"state": "contested"}, "contested"),
    ({"trust": "candidate"}, "candidate"), ({"state": " Candidate "}, "candidate"),
    ({"state": "contested", "trust": "candidate"}, "contested"),
    ({"state": "rejected"}, "candidate"), ({"state": "erased"}, "candidate"),
    ({"state": "verified"}, "active"), ({"trust": 0.9}, "active"), ({"state": None}, "active"), ({"state": {"a": 1}}, "active"),
]  # fmt: skip


@pytest.mark.parametrize(("wish", "state"), STORED)
def test_writer_stores_in_the_requested_state(acme, curator, wish, state):
    answer = curator.post("/api/v1/memories", {"content": "The ferry is free", **wish})
    assert (answer.status_code, answer.json()["state"]) == (201, state)
    assert acme.get(f"/api/v1/memories/{answer.json()['id']}").json()["state"] == state
    assert bool(acme.search("ferry")) == (state in {"active", "contested"})


@pytest.mark.parametrize(("wish", "state"), STORED)
def test_proposer_stores_candidates(acme, agent, wish, state):
    answer = agent.post("/api/v1/memories", {"content": "The ferry is free", **wish})
    assert (answer.status_code, answer.json()["state"]) == (201, "candidate")
    assert acme.search("ferry") == []


def test_lines_of_a_bulk_store_wish_too(acme, curator, agent):
    lines = "\n".join(
        json.dumps({"content": f"fact {state}", "state": state}) for state in ("candidate", "contested")
    )
    for caller, states in ((curator, ["candidate", "contested"]), (agent, ["candidate", "candidate"])):
        results = caller.send("/api/v1/memories/bulk", lines, "application/x-ndjson").json()["results"]
        assert [acme.get(f"/api/v1/memories/{each['id']}").json()["state"] for each in results] == states


def test_a_line_of_an_export_may_be_stored_in_bulk(acme):
    line = {
        "id": "019a0000-0000-7000-8000-000000000001", "recorded_at": "2025-01-01T00:00:00Z", "content": "x",
        "state": "candidate", "superseded_by": None, "vector": "AAAA",
    }  # fmt: skip
    [result] = acme.send("/api/v1/memories/bulk", json.dumps(line), "application/x-ndjson").json()["results"]
    assert result["status"] == 201
    assert result["id"] != line["id"]
    assert acme.get(f"/api/v1/memories/{result['id']}").json()["state"] == "candidate"


def test_successor_has_the_requested_state(acme, life):
    memory = acme.store("The ferry is free")
    changed = life.correct(memory, "supersede", content="The ferry costs two euro", state="contested")
    assert acme.get(f"/api/v1/memories/{changed['superseded_by']}").json()["state"] == "contested"


@pytest.mark.parametrize(
    ("first", "wish", "state", "version", "operation"),
    [("candidate", "active", "active", 2, "memory.confirm"), ("contested", "active", "active", 2, "memory.confirm"),
     ("active", "contested", "contested", 2, "memory.contest"), ("active", "rejected", "rejected", 2, "memory.reject"),
     ("active", "active", "active", 1, None), ("active", "candidate", "active", 1, None),
     ("active", "superseded", "active", 1, None), ("active", "verified", "active", 1, None), ("active", None, "active", 1, None)],
)  # fmt: skip
def test_patch_of_the_state_acts_as_a_correction(acme, life, first, wish, state, version, operation):
    memory = acme.store("The ferry is free", state=first)
    answer = life.patch(memory, 1, state=wish, reason="asked the harbour")
    assert answer.status_code == 200
    assert (answer.json()["state"], answer.json()["version"], answer["ETag"]) == (
        state,
        version,
        f'"{version}"',
    )
    got = acme.get(f"/api/v1/memories/{memory}").json()
    assert (got["state"], got["version"]) == (state, version)
    if operation:
        decision = acme.get(f"/api/v1/decisions/{answer.json()['decision_id']}").json()
        assert (decision["operation"], decision["inputs"]["reason"]) == (operation, "asked the harbour")
    else:
        assert answer.json()["decision_id"] is None


def test_a_patch_changes_text_and_state_together(acme, life):
    memory = acme.store("The ferry is free", state="candidate")
    answer = life.patch(memory, 1, content="The ferry costs two euro", state="active").json()
    assert (answer["state"], answer["version"]) == ("active", 3)
    assert [hit["id"] for hit in acme.search("two euro")] == [memory]
    assert [each["operation"] for each in life.history(memory)][:2] == ["memory.confirm", "memory.revise"]


def test_a_patch_at_another_version_changes_neither(acme, life):
    memory = acme.store("The ferry is free")
    assert life.patch(memory, 2, content="y", state="contested").status_code == 412
    got = acme.get(f"/api/v1/memories/{memory}").json()
    assert (got["content"], got["state"], got["version"]) == ("The ferry is free", "active", 1)


def test_patch_withdraws_a_rejection_only_for_the_admin_scope(acme, curator, life):
    memory = acme.store("The ferry is free")
    life.correct(memory, "reject")
    for caller, state in ((curator, "rejected"), (acme, "active")):
        answer = type(life)(caller).patch(memory, 2, state="active")
        assert (answer.status_code, answer.json()["state"]) == (200, state)
    assert acme.get(f"/api/v1/memories/{memory}").json()["state"] == "active"
