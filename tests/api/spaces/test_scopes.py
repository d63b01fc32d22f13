"""Spaces hold everybody's memories, and each caller sees its own of them."""

from uuid import UUID

import pytest

from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.db.viewers import EVERYBODY, seeing_everything, viewing
from spaces.models import Member, Position
from spaces.placement import layouts
from spaces.placement.building import build_next, renew
from spaces.query.matrix import forget_matrices
from tests.factories.principals import group_of, key_of, principal_of

PRICE = {"name": "price", "low": ["cheap"], "high": ["expensive"]}
MINE = {"visible_to": {"principal": "bob"}}


@pytest.fixture
def bob(acme):
    return key_of(acme, principal_of(acme, "bob"))


@pytest.fixture
def alice(acme):
    return key_of(acme, principal_of(acme, "alice", group_of(acme, "sales")))


@pytest.fixture
def space(acme):
    """Return a space with two public members."""
    made = acme.post("/api/v1/spaces", {"name": "offers", "dimensions": [PRICE]}).json()["id"]
    for share in (0.2, 0.9):
        add(acme, made, acme.store(f"An offer at {share}"), share)
    forget_matrices()
    return made


def add(caller, space, memory, price):
    body = {"memory_id": memory, "coordinates": {"price": price}}
    answer = caller.post(f"/api/v1/spaces/{space}/members", body)
    assert answer.status_code == 201, answer.content
    return memory


def private(bob, space, price=0.21):
    return add(bob, space, bob.store("A secret offer", **MINE), price)


@pytest.fixture
def rebuild(monkeypatch):
    """Return a function that replaces a space's layout, as a worker does after older transactions have ended."""
    monkeypatch.setattr(layouts, "is_settled", lambda layout: True)

    def again(caller, space):
        organisation = caller.organisation
        with viewing(EVERYBODY):
            while build_next(organisation=organisation):
                pass
            assert renew(organisation=organisation, space=UUID(space), force=True)
            while build_next(organisation=organisation):
                pass

    return again


def results(caller, space, what):
    answer = caller.get(f"/api/v1/spaces/{space}/{what}")
    assert answer.status_code == 200, answer.content
    return answer.json()["results"]


def test_private_member_is_in_no_answer_but_its_owners(acme, alice, bob, space):
    public = results(acme, space, "positions")
    mine = private(bob, space)
    for other in (alice, acme):
        assert results(other, space, "positions") == public
        assert sum(each["size"] for each in results(other, space, "clusters?count=2")) == 2
        near = results(other, space, f"neighbours?memory={public[0]['memory_id']}")
        assert [each["memory_id"] for each in near] == [public[1]["memory_id"]]
        for path in (
            f"positions?memory={mine}", f"neighbours?memory={mine}", f"compare?first={mine}&second={public[0]['memory_id']}",
        ):  # fmt: skip
            assert other.get(f"/api/v1/spaces/{space}/{path}").status_code == 404
        assert other.delete(f"/api/v1/spaces/{space}/members/{mine}").status_code == 404
    assert mine in {each["memory_id"] for each in results(bob, space, "positions")}
    assert results(bob, space, f"neighbours?memory={public[1]['memory_id']}")[0]["memory_id"] == mine
    assert sum(each["size"] for each in results(bob, space, "clusters?count=2")) == 3


def test_conceptual_search_finds_what_its_caller_sees(acme, alice, bob, space):
    mine = private(bob, space, 0.0)
    asked = {"search_type": "conceptual", "space": space, "query": "cheap", "limit": 2}
    assert mine in {each["id"] for each in bob.search(**asked)}
    for other in (alice, acme):
        assert len(other.search(**asked)) == 2
        assert mine not in {each["id"] for each in other.search(**asked)}
    # the search of one who does not see it does not take it from the matrix of all
    assert mine in {each["id"] for each in bob.search(**asked)}


def test_rows_have_the_scope_of_their_memory_and_follow_it(acme, bob, space):
    mine = private(bob, space)

    def scopes():
        with seeing_everything(), tenant_transaction(acme.organisation):
            rows = [model.objects.filter(memory_id=mine) for model in (Position, Member)]
            return {scope for some in rows for scope in some.values_list("scope_id", flat=True)}

    with viewing(EVERYBODY), tenant_transaction(acme.organisation):
        assert not Position.objects.filter(memory_id=mine).exists()
        assert not Member.objects.filter(memory_id=mine).exists()
    assert scopes() != {0}
    changed = bob.client.patch(
        f"/api/v1/memories/{mine}", {"visible_to": "organisation"}, content_type="application/json",
        headers={"authorization": f"Bearer {bob.token}", "if-match": "*"},
    )  # fmt: skip
    assert changed.status_code == 200, changed.content
    assert scopes() == {0}
    assert mine in {each["memory_id"] for each in results(acme, space, "positions")}


def test_space_made_by_one_places_the_memories_of_all(acme, alice, bob, rebuild):
    acme.store("A public offer")
    mine = bob.store("A secret offer", **MINE)
    made = alice.post("/api/v1/spaces", {"name": "all", "dimensions": [PRICE], "holds_all": True}).json()[
        "id"
    ]
    assert len(results(alice, made, "positions")) == 1
    assert mine in {each["memory_id"] for each in results(bob, made, "positions")}
    rebuild(acme, made)
    assert len(results(alice, made, "positions")) == 1
    assert mine in {each["memory_id"] for each in results(bob, made, "positions")}


def test_private_memories_move_no_scale(acme, alice, bob, rebuild):
    for number in range(12):
        acme.store(f"Offer {number} costs {number}")
    made = acme.post("/api/v1/spaces", {"name": "all", "dimensions": [PRICE], "holds_all": True}).json()["id"]
    before = results(alice, made, "positions")
    for number in range(12):
        bob.store(f"A palace of gold, number {number}", **MINE)
    rebuild(acme, made)
    assert results(alice, made, "positions") == before


def test_private_memory_is_no_pole_example_or_prototype(bob, space):
    mine = private(bob, space)
    pole = {"name": "gloss", "low": ["matt", {"memory_id": mine}], "high": ["shiny"]}
    refused = bob.post("/api/v1/spaces", {"name": "poles", "dimensions": [pole]})
    assert (refused.status_code, refused.json()["code"]) == (422, "spaces.unknown_memory")
    refused = bob.post(f"/api/v1/spaces/{space}/concepts", {"name": "secret", "examples": [mine]})
    assert refused.status_code == 422


def test_decision_about_a_private_member_is_private(acme, alice, bob, space):
    private(bob, space)

    def added(caller):
        rows = caller.get("/api/v1/decisions?operation=space.add_member&limit=200").json()["results"]
        return len(rows)

    assert (added(alice), added(acme), added(bob)) == (2, 2, 3)
