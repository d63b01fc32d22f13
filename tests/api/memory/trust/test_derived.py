"""Derived memories follow the organisation's policy when their source no longer holds, with the reason."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.tenancy.operations import create_api_key
from liftos.kernel.tenancy.types import SYSTEM, Scope
from memory.models import MemoryLink
from memory.trust import derived_memories as module
from tests.factories.callers import Caller

POLICY = "/api/v1/memories/derived-policy"
ENDS = ["erased", "rejected", "superseded"]


def put(caller, body):
    return caller.client.put(
        POLICY, json.dumps(body), content_type="application/json", headers={"authorization": f"Bearer {caller.token}"}
    )  # fmt: skip


def end(caller, memory, how):
    """Take a memory away; return the answer."""
    path = f"/api/v1/memories/{memory}"
    if how == "erased":
        answer = caller.delete(path).json()
        receipt = caller.get(f"/api/v1/erasures/{answer['erasure_id']}").json()
        return answer | {"derived": receipt["derived"]}
    if how == "rejected":
        return caller.post(f"{path}/reject", {}).json()
    return caller.post(f"{path}/supersede", {"content": "What holds instead"}).json()


def state(caller, memory):
    return caller.get(f"/api/v1/memories/{memory}").json()["state"]


def family(caller):
    """A source, what was made from it, what was made from that, and one that has nothing to do with it."""
    source = caller.store("Boots sell in rain")
    child = caller.store("Rain is good for business", derived_from=[source])
    grandchild = caller.store("Hope for rain", derived_from=[child])
    return source, child, grandchild, caller.store("Cocoa sells in winter")


@pytest.mark.parametrize("how", ENDS)
def test_derived_memories_are_contested_by_default_with_the_reason(acme, how):
    source, child, grandchild, other = family(acme)
    answer = end(acme, source, how)
    assert [state(acme, each) for each in (child, grandchild, other)] == ["contested", "contested", "active"]
    counts = answer["derived"]
    assert {name: counts[name] for name in ("policy", "found", "contested", "hidden", "left_alone", "more")} == {
        "policy": "contest", "found": 2, "contested": 2, "hidden": 0, "left_alone": 0, "more": False,
    }  # fmt: skip
    decision = acme.get(f"/api/v1/decisions/{counts['decision_id']}").json()
    assert decision["operation"] == "memory.contest"
    assert decision["parents"] == [answer["decision_id"]]
    assert source in decision["reasoning"]
    assert how in decision["reasoning"]
    assert decision["inputs"] == {"source": source, "because": how, "policy": "contest"}
    assert {each["id"] for each in decision["memories"]} == {child, grandchild}
    for memory in (child, grandchild):
        newest = acme.get(f"/api/v1/memories/{memory}/history").json()["results"][0]
        assert (newest["operation"], newest["decision_id"]) == ("memory.contest", counts["decision_id"])
        assert newest["reason"] == f"Derived from {source}, which was {how}."
        assert (newest["before"]["state"], newest["after"]["state"]) == ("active", "contested")
        about = acme.get(f"/api/v1/decisions?subject_id={memory}").json()["results"]
        assert counts["decision_id"] in {each["id"] for each in about}
    recorded = acme.get(f"/api/v1/decisions/{answer['decision_id']}").json()
    assert recorded["outputs"]["derived"]["found"] == 2


def test_the_receipt_counts_and_lists_them(acme):
    source, child, grandchild, _ = family(acme)
    answer = end(acme, source, "erased")
    receipt = acme.get(f"/api/v1/erasures/{answer['erasure_id']}").json()
    assert receipt["derived"]["contested"] == 2
    assert sorted(receipt["derived_memories"]) == sorted([child, grandchild])
    assert set(receipt["caches"]) == {"this_process", "shared_cache", "other_processes_until"}


@pytest.mark.parametrize("how", ENDS)
def test_hidden_ones_are_found_only_when_asked_for(acme, how):
    assert put(acme, {"policy": "hide"}).status_code == 200
    source, child, grandchild, _ = family(acme)
    acme.post(f"/api/v1/memories/{grandchild}/contest", {})
    counts = end(acme, source, how)["derived"]
    assert (counts["policy"], counts["contested"], counts["hidden"]) == ("hide", 0, 2)
    found = {hit["id"] for hit in acme.search("rain", search_type="knowledge", limit=50)}
    assert not found & {child, grandchild}
    asked = acme.search("rain", search_type="knowledge", limit=50, states=["candidate"])
    assert {hit["id"] for hit in asked} >= {child, grandchild}
    newest = acme.get(f"/api/v1/memories/{child}/history").json()["results"][0]
    assert (newest["operation"], newest["reason"]) == (
        "memory.hide",
        f"Derived from {source}, which was {how}.",
    )
    assert acme.post(f"/api/v1/memories/{child}/confirm", {}).json()["state"] == "active"


@pytest.mark.parametrize("how", ENDS)
def test_kept_ones_stay_and_are_counted(acme, how):
    put(acme, {"policy": "keep"})
    source, child, grandchild, _ = family(acme)
    counts = end(acme, source, how)["derived"]
    assert [state(acme, each) for each in (child, grandchild)] == ["active", "active"]
    assert (counts["found"], counts["left_alone"], counts["decision_id"]) == (2, 2, None)


def test_rejected_and_candidate_memories_stay_as_they_are(acme):
    source, child, grandchild, _ = family(acme)
    acme.post(f"/api/v1/memories/{child}/reject", {})
    assert state(acme, grandchild) == "contested"
    counts = end(acme, source, "rejected")["derived"]
    assert (counts["found"], counts["contested"], counts["left_alone"]) == (2, 0, 2)
    assert counts["decision_id"] is None
    assert [state(acme, each) for each in (child, grandchild)] == ["rejected", "contested"]


def test_a_circle_ends_and_the_source_is_not_among_its_own(acme):
    source, _, grandchild, _ = family(acme)
    with tenant_transaction(acme.organisation):
        MemoryLink.objects.create(
            organisation_id=acme.organisation, memory_id=source, kind="derived_from", target_id=grandchild
        )
    counts = end(acme, source, "rejected")["derived"]
    assert (counts["found"], counts["contested"]) == (2, 2)
    assert state(acme, source) == "rejected"


def test_a_link_by_external_id_counts_too(acme):
    source = acme.store("Boots sell", source="s", external_id="1")
    child = acme.store("Sell boots", source="s", links=[{"kind": "derived_from", "external_id": "1"}])
    supported = acme.store("Boots are bought", source="s", links=[{"kind": "supports", "external_id": "1"}])
    end(acme, source, "rejected")
    assert [state(acme, each) for each in (child, supported)] == ["contested", "active"]


def test_successor_may_be_derived_from_its_predecessor(acme):
    source, child, _, _ = family(acme)
    body = {"content": "Boots sell in snow", "derived_from": [source]}
    answer = acme.post(f"/api/v1/memories/{source}/supersede", body).json()
    assert state(acme, answer["superseded_by"]) == "active"
    assert state(acme, child) == "contested"


def test_duplicates_that_are_rejected_with_it_are_sources_too(acme):
    first, second = acme.store("Boots sell"), acme.store("BOOTS sell")
    child = acme.store("Buy boots", derived_from=[second])
    end(acme, first, "rejected")
    assert state(acme, child) == "contested"


def test_limited_number_of_derived_memories_is_changed_and_more_is_reported(acme, monkeypatch):
    monkeypatch.setattr(module, "MOST", 3)
    source = acme.store("Boots sell")
    children = [acme.store(f"Because of it, {number}", derived_from=[source]) for number in range(5)]
    counts = end(acme, source, "erased")["derived"]
    assert (counts["found"], counts["contested"], counts["more"]) == (3, 3, True)
    assert sorted(state(acme, each) for each in children) == ["active"] * 2 + ["contested"] * 3


def test_a_source_confirmed_again_gives_nothing_back(acme):
    source, child, _, _ = family(acme)
    end(acme, source, "rejected")
    assert acme.post(f"/api/v1/memories/{source}/confirm", {}).json()["state"] == "active"
    assert state(acme, child) == "contested"


def test_overturning_the_decision_confirms_them_all(acme):
    source, child, grandchild, _ = family(acme)
    counts = end(acme, source, "rejected")["derived"]
    _, token = create_api_key(
        organisation=acme.organisation, by=SYSTEM, name="reviewer", scopes=frozenset(Scope)
    )
    reviewer = Caller(acme.organisation, acme.slug, token, acme.client)
    body = {"verdict": "overturn", "reason": "It held"}
    response = reviewer.post(f"/api/v1/decisions/{counts['decision_id']}/reviews", body)
    assert response.status_code == 201, response.content
    assert [state(acme, each) for each in (child, grandchild)] == ["active", "active"]


def test_the_policy_is_set_on_record_for_one_organisation(acme, rival):
    assert acme.get(POLICY).json()["policy"] == "contest"
    answer = put(acme, {"policy": "hide"}).json()
    assert answer["policy"] == "hide"
    decision = acme.get(f"/api/v1/decisions/{answer['decision_id']}").json()
    assert (decision["inputs"], decision["outputs"]) == ({"before": "contest"}, {"policy": "hide"})
    assert acme.get(POLICY).json()["policy"] == "hide"
    assert rival.get(POLICY).json()["policy"] == "contest"
    assert put(acme, {"policy": "hide"}).json()["decision_id"] is None


@pytest.mark.parametrize("body", [{}, {"policy": "burn"}, {"policy": None}, {"policy": 5}, [], None])
def test_an_unknown_policy_is_422_and_changes_nothing(acme, body):
    response = put(acme, body)
    assert response.status_code == 422
    assert response.json()["errors"][0]["loc"][0] == "body"
    assert acme.get(POLICY).json()["policy"] == "contest"


def test_the_command_shows_and_sets_it(acme):
    def run(*arguments):
        out = StringIO()
        call_command("derived_policy", acme.slug, *arguments, stdout=out)
        return out.getvalue().strip()

    assert run() == "contest"
    assert run("keep") == "keep"
    assert acme.get(POLICY).json()["policy"] == "keep"
    [decision] = acme.get("/api/v1/decisions?operation=memory.derived_policy").json()["results"]
    assert decision["actor_id"] == "derived_policy"
    with pytest.raises(CommandError, match="No organisation called"):
        call_command("derived_policy", "nobody")


def test_another_organisations_memories_are_not_touched(acme, rival):
    source, child, _, _ = family(acme)
    _, others, _, _ = family(rival)
    end(acme, source, "rejected")
    assert state(acme, child) == "contested"
    assert state(rival, others) == "active"
