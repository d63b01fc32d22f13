"""GET /api/v1/proposals, accept and decline; the function memory.care and its templates."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accountability.models import DecisionRecord
from liftos.kernel.db.transactions import tenant_transaction, whole_tenant
from liftos.kernel.db.viewers import EVERYBODY, seeing_everything, viewing
from liftos.kernel.tenancy.operations import create_api_key
from liftos.kernel.tenancy.types import SYSTEM, Scope
from memory.care.runs import OVERLAP, care
from memory.care_types import Kind
from memory.models import CareCursor, FactKey, Proposal
from tests.api.routes import NOBODYS_ID
from tests.factories.callers import Caller
from tests.factories.principals import key_of, principal_of, seen_by

OLD, NEW = "The CEO of Acme is Ann Smith.", "Acme appointed Bob Jones as its new chief executive."
SAID = "Winter boots sell best in the two weeks before the first snow falls."
AGAIN = "Note: the winter boots sell best in the two weeks before the first snow falls!"


def look_after(caller, now=None, **more):
    with seeing_everything():
        return care(organisation=caller.organisation, by=SYSTEM, now=now or timezone.now(), **more)


def proposals(caller, query=""):
    answer = caller.get(f"/api/v1/proposals{query}")
    assert answer.status_code == 200, answer.content
    return answer.json()["results"]


def settle(caller, proposal, what, **body):
    return caller.post(f"/api/v1/proposals/{proposal}/{what}", body)


def state_of(caller, memory):
    return caller.get(f"/api/v1/memories/{memory}").json()["state"]


@pytest.fixture
def replaced(acme):
    """Two memories, the later of which has another value for the same."""
    return acme.store(OLD), acme.store(NEW)


def test_a_changed_value_is_proposed_accepted_and_kept_with_its_history(acme, replaced):
    old, new = replaced
    acme.store("Customer 17 bought boots in Lisbon")
    assert look_after(acme).proposed == 1
    [proposal] = proposals(acme)
    assert (proposal["kind"], proposal["action"], proposal["state"]) == ("supersession", "supersede", "open")
    assert (proposal["memory"]["id"], proposal["other"]["id"]) == (old, new)
    assert proposal["memory"]["content"] == OLD
    record = acme.get(f"/api/v1/decisions/{proposal['id']}").json()
    assert (record["operation"], record["confidence"]) == ("memory.propose", proposal["confidence"])
    assert {each["id"] for each in record["memories"]} == {old, new}
    assert state_of(acme, old) == "active"
    done = settle(acme, proposal["id"], "accept", reason="as announced")
    assert done.status_code == 200, done.content
    assert (done.json()["state"], done.json()["memory_state"]) == ("accepted", "superseded")
    memory = acme.get(f"/api/v1/memories/{old}").json()
    assert (memory["state"], memory["superseded_by"]) == ("superseded", new)
    assert memory["valid_to"] is not None
    assert acme.get(f"/api/v1/memories/{old}/history").json()["results"][0]["reason"] == "as announced"
    assert acme.get(f"/api/v1/decisions/{done.json()['decision_id']}").json()["parents"] == [proposal["id"]]
    assert settle(acme, proposal["id"], "decline").status_code == 409
    assert proposals(acme) == []
    [kept] = proposals(acme, "?state=accepted")
    assert kept["settled_by"] == done.json()["decision_id"]


def test_near_doubles_are_proposed_and_the_earlier_stays_valid(acme):
    first, second = acme.store(SAID), acme.store(AGAIN)
    acme.store("Summer sandals sell best in the two weeks before the first heat wave.")
    look_after(acme, kinds=[Kind.DOUBLE])
    [proposal] = proposals(acme, "?kind=double")
    assert (proposal["memory"]["id"], proposal["other"]["id"]) == (second, first)
    settle(acme, proposal["id"], "accept")
    gone = acme.get(f"/api/v1/memories/{second}").json()
    assert (gone["state"], gone["superseded_by"], gone["valid_to"]) == ("superseded", first, None)
    assert state_of(acme, first) == "active"


def test_a_declined_pair_is_never_proposed_again(acme, replaced):
    look_after(acme)
    [proposal] = proposals(acme)
    assert settle(acme, proposal["id"], "decline", reason="both hold").json()["state"] == "declined"
    old, _ = replaced
    assert state_of(acme, old) == "active"
    # as if all were changed, and again after a change
    with whole_tenant(acme.organisation):
        CareCursor.objects.all().delete()
    assert look_after(acme).proposed == 0
    acme.client.patch(
        f"/api/v1/memories/{old}", '{"importance": 0.9}', content_type="application/json",
        headers={"authorization": f"Bearer {acme.token}", "if-match": "*"},
    )  # fmt: skip
    assert look_after(acme).proposed == 0
    assert proposals(acme) == []


def test_a_proposal_about_a_changed_memory_is_outdated_and_made_anew(acme, replaced):
    old, _ = replaced
    look_after(acme)
    [proposal] = proposals(acme)
    acme.client.patch(
        f"/api/v1/memories/{old}", '{"content": "The CEO of Acme is Carla Diaz."}', content_type="application/json",
        headers={"authorization": f"Bearer {acme.token}", "if-match": "*"},
    )  # fmt: skip
    answer = settle(acme, proposal["id"], "accept")
    assert (answer.status_code, answer.json()["code"]) == (409, "memory.proposal_outdated")
    look_after(acme)
    [fresh] = proposals(acme)
    assert fresh["id"] != proposal["id"]
    assert "The CEO of Acme is Carla Diaz." in {fresh["memory"]["content"], fresh["other"]["content"]}


def test_stale_and_contradicted_memories(acme):
    ended = acme.store("The sale is on", valid_from="2024-01-01", valid_to="2024-02-01")
    acme.store("The other sale is on", valid_from="2024-01-01", valid_to="2999-01-01")
    source = acme.store("A survey says so")
    derived = acme.post("/api/v1/memories", {"content": "So it is", "derived_from": [source]}).json()["id"]
    acme.post(f"/api/v1/memories/{source}/reject", {})
    acme.post(f"/api/v1/memories/{derived}/confirm", {})
    one, other = acme.store("Rain helps sales"), acme.store("Rain hurts sales")
    acme.post(f"/api/v1/memories/{other}/links", {"kind": "contradicts", "target": one})
    look_after(acme, kinds=[Kind.STALE, Kind.CONTRADICTION])
    found = {
        (each["kind"], each["memory"]["id"], each["other"] and each["other"]["id"])
        for each in proposals(acme)
    }
    assert found == {("stale", ended, None), ("stale", derived, None), ("contradiction", one, other)}
    assert look_after(acme, kinds=[Kind.STALE, Kind.CONTRADICTION]).proposed == 0
    states = {
        each["memory"]["id"]: settle(acme, each["id"], "accept").json()["memory_state"]
        for each in proposals(acme)
    }
    assert states == {ended: "expired", derived: "expired", one: "contested"}


def test_runs_continue_where_the_last_ended(acme, replaced):
    for number in range(4):
        acme.store(f"Customer {number} was here")
    first = look_after(acme, kinds=[Kind.SUPERSESSION], limit=4)
    assert (first.examined, first.remaining) == (4, True)
    rest = look_after(acme, kinds=[Kind.SUPERSESSION], limit=100)
    assert (rest.examined, rest.remaining) == (2, False)
    assert first.proposed + rest.proposed == 1
    # the last run's end is looked at again, for what was being committed then
    again = look_after(acme, kinds=[Kind.SUPERSESSION])
    assert (again.examined, again.proposed) == (6, 0)
    with whole_tenant(acme.organisation):
        CareCursor.objects.update(changed_at=timezone.now() + 2 * OVERLAP)
    assert look_after(acme, kinds=[Kind.SUPERSESSION]).examined == 0


def test_private_memories_make_private_proposals_and_scopes_are_not_mixed(acme, rival):
    bob = principal_of(acme, "bob")
    caller, alice = key_of(acme, bob), key_of(acme, principal_of(acme, "alice"))
    private = {"visible_to": {"principal": "bob"}}
    old = caller.post("/api/v1/memories", {"content": OLD} | private).json()["id"]
    acme.store(NEW)
    assert look_after(acme).proposed == 0
    caller.post("/api/v1/memories", {"content": NEW} | private)
    # a run sees what its viewer sees
    with viewing(EVERYBODY):
        assert care(organisation=acme.organisation, by=SYSTEM, now=timezone.now()).proposed == 0
    with viewing(seen_by(acme, bob)):
        assert care(organisation=acme.organisation, by=SYSTEM, now=timezone.now()).proposed == 1
    [proposal] = proposals(caller)
    assert proposal["memory"]["id"] == old
    for other in (alice, rival):
        assert proposals(other) == []
        assert settle(other, proposal["id"], "accept").status_code == 404
        assert other.get(f"/api/v1/decisions/{proposal['id']}").status_code == 404
    assert settle(caller, proposal["id"], "accept").status_code == 200


def test_an_erasure_takes_proposals_and_facts_along(acme, replaced):
    look_after(acme)
    assert len(proposals(acme)) == 1
    acme.delete(f"/api/v1/memories/{replaced[1]}")
    assert proposals(acme) == []
    with whole_tenant(acme.organisation):
        assert (Proposal.objects.count(), FactKey.objects.count()) == (0, 1)


def test_the_templates_run_by_hand(acme, replaced):
    acme.store(SAID)
    acme.store(AGAIN)
    run = acme.post("/api/v1/workflows/runs", {"template": "find_superseded", "wait": True}).json()
    assert run["status"] == "completed", run
    assert run["steps"][0]["result"] == {"examined": 4, "proposed": 1, "remaining": False}
    run = acme.post(
        "/api/v1/workflows/runs", {"template": "memory_care", "parameters": {"limit": 100}, "wait": True}
    ).json()
    assert (run["status"], run["steps"][0]["result"]["proposed"]) == ("completed", 1)
    assert {each["kind"] for each in proposals(acme)} == {"supersession", "double"}


def test_scopes_and_bad_requests(acme, replaced):
    look_after(acme)
    [proposal] = proposals(acme)
    for scope, read, written in ((Scope.MEMORY_READ, 200, 403), (Scope.MEMORY_WRITE, 403, 200)):
        _, token = create_api_key(organisation=acme.organisation, by=SYSTEM, name="k", scopes={scope})
        caller = Caller(acme.organisation, acme.slug, token, acme.client)
        assert caller.get("/api/v1/proposals").status_code == read
        assert settle(caller, proposal["id"], "decline").status_code == written
    assert settle(acme, NOBODYS_ID, "accept").json()["code"] == "memory.proposal_not_found"
    assert settle(acme, proposal["id"], "accept", reasons="x").status_code == 422
    for query in ("?kind=odd", "?state=maybe", "?memory_id=x", "?limit=0"):
        assert acme.get(f"/api/v1/proposals{query}").status_code == 422
    old, _ = replaced
    assert len(proposals(acme, f"?state=declined&memory_id={old}")) == 1
    assert proposals(acme, f"?state=declined&memory_id={NOBODYS_ID}") == []
    with tenant_transaction(acme.organisation):
        assert DecisionRecord.objects.filter(operation="memory.decline").count() == 1


def test_pages_follow_each_other(acme):
    for number in range(3):
        acme.store(f"The sale {number} is on", valid_from="2024-01-01", valid_to=f"2024-02-0{number + 1}")
    look_after(acme, now=timezone.now() + timedelta(days=1), kinds=[Kind.STALE])
    page = acme.get("/api/v1/proposals?limit=2").json()
    rest = acme.get(page["next"]).json()
    assert len({each["id"] for each in page["results"] + rest["results"]}) == 3
    assert rest["next"] is None
