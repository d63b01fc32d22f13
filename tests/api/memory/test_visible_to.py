"""`visible_to`: who sees a memory, in every way of storing one."""

import json
from uuid import UUID

import pytest

from liftos.kernel.db.transactions import read_value, tenant_transaction
from liftos.kernel.db.viewers import seeing_everything
from liftos.kernel.tenancy.types import ALL_SCOPES, Scope
from memory.bulk.jobs import work_on_next_chunk
from memory.documents.jobs import work_on_next_job
from tests.factories.principals import group_of, key_of, principal_of

pytestmark = pytest.mark.django_db


def make_member(caller, name, *groups, scopes=ALL_SCOPES - {Scope.ADMIN}):
    return key_of(caller, principal_of(caller, name, *groups), scopes=scopes)


DERIVED = (
    "memory_memory", "memory_memoryversion", "memory_passage", "memory_memoryvector", "memory_posting", "memory_attribute",
    "memory_entity", "memory_memorylink", "memory_thread", "memory_corpuscounter",
)  # fmt: skip
LONG = " ".join(f"Canary number {number} sings for Zanzibar in the green mine." for number in range(120))


@pytest.fixture
def sales(acme):
    return group_of(acme, "sales")


@pytest.fixture
def alice(acme, sales):
    return make_member(acme, "alice", sales)


@pytest.fixture
def bob(acme):
    return make_member(acme, "bob")


def patch(caller, memory, **changes):
    version = caller.get(f"/api/v1/memories/{memory}").headers["ETag"]
    sent = {"authorization": f"Bearer {caller.token}", "if-match": version}
    return caller.client.patch(
        f"/api/v1/memories/{memory}", json.dumps(changes), content_type="application/json", headers=sent
    )


def sees(caller, memory):
    """Return whether a caller finds a memory by its id, in the list and in a search; all three must agree."""
    by_id = caller.get(f"/api/v1/memories/{memory}").status_code == 200
    listed = memory in [each["id"] for each in caller.get("/api/v1/memories").json()["results"]]
    found = memory in [each["id"] for each in caller.search("canary in the mine")]
    assert by_id == listed == found
    return by_id


def scopes_of_rows(organisation):
    with seeing_everything(), tenant_transaction(organisation):
        return {
            table: read_value(f"SELECT array_agg(DISTINCT scope_id ORDER BY scope_id) FROM {table}")
            for table in DERIVED
        }


def test_private_memory_is_seen_by_its_principal_alone(acme, alice, bob):
    memory = alice.store("The canary sings in the mine", visible_to={"principal": "alice"})
    assert (sees(alice, memory), sees(bob, memory), sees(acme, memory)) == (True, False, False)
    assert alice.get(f"/api/v1/memories/{memory}").json()["visible_to"] == {"principal": "alice"}


def test_group_memory_is_seen_by_members(acme, alice, bob, sales):
    carol = make_member(acme, "carol", sales)
    memory = alice.store("The canary sings in the mine", visible_to={"groups": [str(sales.id)]})
    assert (sees(carol, memory), sees(bob, memory)) == (True, False)
    assert carol.get(f"/api/v1/memories/{memory}").json()["visible_to"] == {"groups": ["sales"]}


def test_memory_is_the_organisations_by_default(acme, alice, bob):
    memory = alice.store("The canary sings in the mine")
    assert (sees(bob, memory), sees(acme, memory)) == (True, True)
    assert bob.get(f"/api/v1/memories/{memory}").json()["visible_to"] == "organisation"


def test_new_set_of_groups_is_seen_at_once(acme, sales):
    legal = group_of(acme, "legal")
    dora = make_member(acme, "dora", legal)
    dora.get("/api/v1/memories")  # its key is known now
    memory = dora.store("The canary sings in the mine", visible_to={"groups": ["sales", "legal"]})
    assert sees(dora, memory)


@pytest.mark.parametrize(
    "wanted",
    [
        {"groups": ["nobody"]}, {"groups": ["legal"]}, {"principal": "bob"}, {"principal": "nobody"}, {"groups": []},
        {"groups": ["sales"], "principal": "alice"}, "everybody", {"groups": ["sales", "nobody"]}, {"principal": ""}, [],
    ],
)  # fmt: skip
def test_scope_that_is_unknown_or_excludes_the_caller_is_422(acme, alice, bob, wanted):
    group_of(acme, "legal")
    response = alice.post("/api/v1/memories", {"content": "The canary", "visible_to": wanted})
    assert response.status_code == 422, response.content
    assert "visible_to" in response.content.decode()
    assert alice.get("/api/v1/memories").json()["results"] == []


def test_key_without_principal_stores_for_the_organisation_only(acme, sales):
    response = acme.post("/api/v1/memories", {"content": "The canary", "visible_to": {"groups": ["sales"]}})
    assert response.status_code == 422


def test_derived_rows_have_the_scope(acme, alice):
    memory = alice.store(
        LONG, visible_to={"principal": "alice"}, metadata={"session_id": "x"},
        links=[{"kind": "about", "external_id": "y"}],
    )  # fmt: skip
    assert patch(alice, memory, content=f"Once more. {LONG}").status_code == 200
    [scope] = scopes_of_rows(acme.organisation)["memory_memory"]
    assert scope > 0
    assert set(map(tuple, scopes_of_rows(acme.organisation).values())) == {(scope,)}


def test_change_of_visibility_moves_all_rows_and_is_on_record(acme, alice, bob):
    memory = alice.store(
        LONG, visible_to={"principal": "alice"}, metadata={"session_id": "x"}, external_id="x",
        links=[{"kind": "about", "external_id": "y"}],
    )  # fmt: skip
    assert patch(alice, memory, content=f"Once more. {LONG}").status_code == 200
    response = patch(alice, memory, visible_to="organisation", reason="for all")
    assert response.status_code == 200, response.content
    assert response.json()["version"] == 3
    found = scopes_of_rows(acme.organisation)
    # a counter of nothing remains
    assert found.pop("memory_corpuscounter")[0] == 0
    assert set(map(tuple, found.values())) == {(0,)}
    with seeing_everything(), tenant_transaction(acme.organisation):
        assert read_value("SELECT sum(memories) FROM memory_corpuscounter WHERE scope_id > 0") == 0
        assert read_value("SELECT sum(memories) FROM memory_corpuscounter WHERE scope_id = 0") == 2
    assert sees(bob, memory)
    decision = alice.get(f"/api/v1/decisions/{response.json()['decision_id']}").json()
    assert decision["operation"] == "memory.change_visibility"
    # and back
    assert patch(alice, memory, visible_to={"principal": "alice"}).status_code == 200
    assert (sees(alice, memory), sees(bob, memory)) == (True, False)
    assert bob.get(f"/api/v1/memories/{memory}/history").status_code == 404


def test_only_owner_or_administrator_changes_visibility(acme, alice, bob):
    memory = alice.store("The canary sings in the mine")
    response = patch(bob, memory, visible_to={"principal": "bob"})
    assert response.status_code == 403, response.content
    assert sees(alice, memory)
    admin = make_member(acme, "admin", scopes=ALL_SCOPES)
    assert patch(admin, memory, visible_to={"principal": "admin"}).status_code == 200
    assert not sees(alice, memory)


def test_external_ids_are_unique_within_a_scope(acme, alice, bob):
    private = alice.store("Private canary of the mine", external_id="x", visible_to={"principal": "alice"})
    public = bob.store("The canary in the mine", external_id="x")
    assert private != public
    again = bob.post("/api/v1/memories", {"content": "Another", "external_id": "x"})
    assert again.status_code == 409
    assert again.json()["memory_id"] == public
    assert private not in again.content.decode()
    taken = patch(alice, private, visible_to="organisation")
    assert (taken.status_code, taken.json()["memory_id"]) == (409, public)
    assert not sees(bob, private)


def test_rejected_value_is_rejected_within_its_scope(acme, alice, bob):
    private = alice.store("The canary is dead", visible_to={"principal": "alice"})
    assert alice.post(f"/api/v1/memories/{private}/reject", {"reason": "no"}).status_code == 200
    again = alice.post(
        "/api/v1/memories", {"content": "The canary is dead", "visible_to": {"principal": "alice"}}
    )
    assert again.status_code == 409
    public = bob.store("The canary is dead")
    assert bob.post(f"/api/v1/memories/{public}/reject", {"reason": "no"}).status_code == 200
    for wanted in ("organisation", {"groups": ["sales"]}):
        refused = alice.post("/api/v1/memories", {"content": "the canary is DEAD", "visible_to": wanted})
        assert refused.status_code == 409
        assert refused.json()["rejection"]["memory_id"] == public


def test_successor_has_the_scope_of_the_memory(acme, alice, bob):
    memory = alice.store("The canary sings in the mine", visible_to={"principal": "alice"})
    response = alice.post(f"/api/v1/memories/{memory}/supersede", {"content": "The canary left the mine"})
    assert response.status_code in (200, 201), response.content
    assert bob.get("/api/v1/memories").json()["results"] == []
    assert [each["content"] for each in alice.search("canary in the mine")] == ["The canary left the mine"]


def test_bulk_lines_are_placed_each(acme, alice, bob):
    lines = [
        {"content": "The canary sings in the mine", "visible_to": {"principal": "alice"}},
        {"content": "A canary for the group", "visible_to": {"groups": ["sales"]}},
        {"content": "A canary for nobody", "visible_to": {"groups": ["nobody"]}},
        {"content": "A canary for all in the mine"},
    ]
    raw = "\n".join(map(json.dumps, lines))
    done = alice.send("/api/v1/memories/bulk", raw, "application/x-ndjson")
    results = done.json()["results"]
    assert [each["status"] for each in results] == [201, 201, 422, 201], results
    assert results[2]["error"]["code"] == "memory.not_visible"
    assert len(alice.get("/api/v1/memories").json()["results"]) == 3
    assert [each["content"] for each in bob.get("/api/v1/memories").json()["results"]] == [
        lines[3]["content"]
    ]


def test_bulk_job_is_stored_as_its_sender(acme, alice, bob):
    line = json.dumps({"content": "The canary sings in the mine", "visible_to": {"principal": "alice"}})
    other = json.dumps({"content": "The canary sings in the mine", "visible_to": {"principal": "bob"}})
    response = alice.send("/api/v1/memories/bulk?mode=async", f"{line}\n{other}", "application/x-ndjson")
    assert response.status_code == 202, response.content
    job = response.json()["url"].partition("/api/")[2]
    assert bob.get(f"/api/{job}").status_code == 404
    with seeing_everything():
        assert work_on_next_chunk(organisation=acme.organisation)
    shown = alice.get(f"/api/{job}").json()
    assert [each["status"] for each in shown["results"]] == [201, 422]
    assert bob.get("/api/v1/memories").json()["results"] == []
    [row] = alice.get("/api/v1/memories").json()["results"]
    assert row["visible_to"] == {"principal": "alice"}


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_document_is_placed(acme, alice, bob, mode):
    wanted = {"visible_to": json.dumps({"principal": "alice"}), "external_id": "d"}
    response = alice.upload(b"The canary sings in the mine", "a.txt", query=f"?mode={mode}", **wanted)
    assert response.status_code in (201, 202), response.content
    if mode == "async":
        job = response.json()["url"].partition("/api/")[2]
        assert bob.get(f"/api/{job}").status_code == 404
        with seeing_everything():
            assert work_on_next_job(organisation=acme.organisation)
        document = alice.get(f"/api/{job}").json()["document"]["id"]
    else:
        document = response.json()["id"]
    shown = alice.get(f"/api/v1/documents/{document}").json()
    assert shown["visible_to"] == {"principal": "alice"}
    assert bob.get(f"/api/v1/documents/{document}").status_code == 404
    theirs = bob.upload(b"The canary of bob", "a.txt", external_id="d")
    assert theirs.status_code == 201
    assert theirs.json()["id"] != document
    refused = alice.upload(b"x", "a.txt", visible_to="nobody")
    assert refused.status_code == 422
    assert "visible_to" in refused.content.decode()


def test_conversations_of_one_name_are_apart(acme, alice, bob):
    path = "/api/v1/conversations/daily/turns"
    private = {"visible_to": {"principal": "alice"}}
    turns = {
        "turns": [{"role": "user", "content": "The canary sings"}, {"role": "user", "content": "In the mine"}]
    }
    assert alice.post(path, turns | private).status_code == 201
    assert bob.post(path, {"role": "user", "content": "Hello"}).status_code == 201
    assert alice.post(path, {"role": "user", "content": "Bye"} | private).status_code == 201
    [shown] = bob.get(path).json()["results"]
    assert (shown["number"], shown["content"]) == (1, "Hello")
    assert len(alice.get(path).json()["results"]) == 4
    nested = {"turns": [{"role": "user", "content": "x"} | private]}
    assert alice.post(path, nested).status_code == 422


def test_link_resolves_within_its_scope_or_to_the_organisations(acme, alice, bob):
    private = {"visible_to": {"principal": "alice"}}
    linking = alice.store("About it", links=[{"kind": "about", "external_id": "it"}], **private)
    public = bob.store("It is a canary", external_id="it")
    [link] = alice.get(f"/api/v1/memories/{linking}").json()["links"]
    assert link["target"] == public
    alice.store("Private it", external_id="it", **private)
    later = alice.store("About it again", links=[{"kind": "about", "external_id": "it"}], **private)
    [link] = alice.get(f"/api/v1/memories/{later}").json()["links"]
    assert link["target"] != public
    open_link = bob.store("About it", links=[{"kind": "about", "external_id": "it"}])
    [link] = bob.get(f"/api/v1/memories/{open_link}").json()["links"]
    assert UUID(link["target"]) == UUID(public)
