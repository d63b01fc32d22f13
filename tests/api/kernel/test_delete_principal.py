"""DELETE /api/v1/principals/{principal}."""

import pytest

from accountability.ledger.sequencer import drain
from accountability.ledger.verification import verify_log
from liftos.kernel.db.transactions import whole_tenant
from tests.factories.flows import make_template, registered_functions, step
from tests.factories.principals import group_of, key_of, open_glass, principal_of
from workflows.engine.work import work

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice(acme):
    return key_of(acme, principal_of(acme, "alice", group_of(acme, "sales")))


def filled(alice):
    private = alice.store("The canary of alice", visible_to={"principal": "alice"}, external_id="a")
    rejected = alice.store("Rejected of alice", visible_to={"principal": "alice"})
    assert alice.post(f"/api/v1/memories/{rejected}/reject", {}).status_code == 200
    return private, rejected, alice.store("sales", visible_to={"groups": ["sales"]}), alice.store("open")


def test_a_principal_without_private_memories_goes_with_its_keys(acme, alice):
    shared = alice.store("open")
    answer = acme.delete("/api/v1/principals/alice")
    assert answer.status_code == 200, answer.content
    body = answer.json()
    assert (body["name"], body["memories"], body["outcome"], body["keys_revoked"]) == ("alice", 0, "none", 1)
    assert alice.get("/api/v1/memories").status_code == 401
    assert (
        acme.get("/api/v1/principals/alice").status_code
        == acme.delete("/api/v1/principals/alice").status_code
        == 404
    )
    assert acme.get("/api/v1/groups/sales").json()["members"] == []
    assert acme.get(f"/api/v1/memories/{shared}").status_code == 200
    assert acme.post("/api/v1/principals", {"name": "alice"}).status_code == 201


def test_private_memories_are_counted_erased_or_transferred(acme, alice, rival):
    private, rejected, _sales, shared = filled(alice)
    refused = acme.delete("/api/v1/principals/alice")
    assert (refused.status_code, refused.json()["code"], refused.json()["memories"]) == (
        409, "tenancy.principal_in_use", 2,
    )  # fmt: skip
    for given in ("keep", "transfer:", "transfer:nobody", "transfer:alice"):
        answer = acme.delete(f"/api/v1/principals/alice?memories={given}")
        assert (answer.status_code, answer.json()["errors"][0]["loc"]) == (422, ["query", "memories"]), given
    assert alice.delete("/api/v1/principals/alice").status_code in (403, 409)
    assert rival.delete("/api/v1/principals/alice?memories=erase").status_code == 404
    bob = key_of(acme, principal_of(acme, "bob"))
    open_glass(acme, principal="alice")
    done = acme.delete("/api/v1/principals/alice?memories=transfer:bob").json()
    assert (done["memories"], done["outcome"]) == (2, "transferred")
    for memory in (private, rejected):
        assert bob.get(f"/api/v1/memories/{memory}").json()["visible_to"] == {"principal": "bob"}
        assert acme.get(f"/api/v1/memories/{memory}").status_code == 404
    assert bob.search("canary of alice")[0]["id"] == private
    # bob owns it now, and what alice had shared
    for memory in (private, shared):
        version = bob.get(f"/api/v1/memories/{memory}").headers["ETag"]
        moved = bob.patch(
            f"/api/v1/memories/{memory}", {"visible_to": {"principal": "bob"}}, **{"if-match": version}
        )
        assert moved.status_code == 200
    erased = acme.delete("/api/v1/principals/bob?memories=erase").json()
    assert (erased["memories"], erased["outcome"]) == (3, "erased")
    carol = key_of(acme, principal_of(acme, "carol"))
    assert {carol.get(f"/api/v1/memories/{each}").status_code for each in (private, rejected, shared)} == {
        404
    }
    drain(organisation=acme.organisation)
    with whole_tenant(acme.organisation):
        *_, last = verify_log(acme.organisation)
    assert last.verdict.holds


def test_a_hold_and_a_taken_external_id_refuse_it_whole(acme, alice):
    private, *_ = filled(alice)
    bob = key_of(acme, principal_of(acme, "bob"))
    bob.store("another", visible_to={"principal": "bob"}, external_id="a")
    open_glass(acme, principal="alice")
    taken = acme.delete("/api/v1/principals/alice?memories=transfer:bob")
    assert (taken.status_code, taken.json()["code"]) == (409, "memory.external_id_taken")
    assert acme.post("/api/v1/retention/holds", {"name": "case"}).status_code == 201
    held = acme.delete("/api/v1/principals/alice?memories=erase")
    assert (held.status_code, held.json()["code"]) == (409, "memory.legally_held")
    assert alice.get(f"/api/v1/memories/{private}").status_code == 200


def test_its_runs_fail_when_they_go_on(acme, alice):
    with registered_functions() as calls:
        make_template(acme.organisation, step("a"))
        service = key_of(acme, principal_of(acme, "bot"), scopes={"workflows:run", "memory:write", "act_as"})
        for caller, headers in ((alice, {}), (service, {"x-act-as": "alice"})):
            started = caller.post("/api/v1/workflows/runs", {"template": "flow"}, **headers)
            assert started.status_code == 201, started.content
        assert acme.delete("/api/v1/principals/alice").status_code == 200
        work(organisation=acme.organisation)
        assert calls == []
