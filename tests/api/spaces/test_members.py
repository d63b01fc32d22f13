"""Members and positions: sources of coordinates, and what happens to them with their memory."""

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.postgres.functions import TransactionNow

from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.embedding import EmbedderUnavailable
from memory.models import Memory
from memory.reembedding import heal_pending
from memory.trust.expiry import expire_due
from spaces.models import Member, Position
from tests.api.routes import NOBODYS_ID
from tests.api.spaces.conftest import COST, FEEL, PRICE, REACH

LEVEL = {"name": "stage", "field": "stage", "scale": "ordinal", "levels": ["idea", "test", "rollout"]}
HOUR = {"name": "hour", "field": "hour", "scale": "circular", "range": [0, 24]}


def test_explicit_value_precedes_field_and_field_precedes_projection(spaces):
    both = PRICE | {"field": "price", "range": [0, 100]}
    space = spaces.make(both)
    projected = spaces.add(space, "expensive")
    measured = spaces.add(space, "expensive", metadata={"price": 10})
    said = spaces.add(space, "expensive", {"price": 20}, metadata={"price": 10})
    found = {memory: each["price"] for memory, each in spaces.positions(space).items()}
    assert found[projected]["source"] == "projection"
    assert 50 < found[projected]["value"] <= 100
    assert 0 < found[projected]["confidence"] <= 1
    assert found[measured] == {"value": 10, "source": "field", "confidence": 1}
    assert found[said] == {"value": 20, "source": "explicit", "confidence": 1}


def test_projection_puts_texts_in_order(spaces):
    space = spaces.make(PRICE)
    cheap = spaces.add(space, "affordable shoes, on sale at a low price")
    dear = spaces.add(space, "very expensive luxury shoes")
    found = spaces.positions(space)
    assert found[cheap]["price"]["value"] < 0.5 < found[dear]["price"]["value"]


def test_unknown_coordinates_lower_the_coverage(spaces):
    space = spaces.make(COST | {"weight": 3}, "whatever nobody described")
    memory = spaces.add(space, "x", metadata={"cost": 5})
    bare = spaces.add(space, "y")
    found = {each["memory_id"]: each for each in spaces.get(space, "/positions")["results"]}
    assert found[memory]["coordinates"]["whatever nobody described"] == {
        "value": None, "source": "unknown", "confidence": 0,
    }  # fmt: skip
    assert found[memory]["coverage"] == pytest.approx(0.75)
    assert found[bare]["coordinates"]["cost"]["value"] is None
    assert found[bare]["coverage"] == 0


@pytest.mark.parametrize(
    ("dimension", "metadata", "value"),
    [
        (COST, {"cost": 40}, 40),
        (COST, {"cost": 400}, 400),
        (COST, {"cost": "40"}, None),
        (COST, {"cost": True}, None),
        (COST, {"cost": [1, 2]}, None),
        (COST | {"field": "a.b"}, {"a": {"b": 3}}, 3),
        (COST | {"field": "a.b"}, {"a.b": 4}, 4),
        (REACH, {"reach": 0}, 0),
        (LEVEL, {"stage": "Test"}, "test"),
        (LEVEL, {"stage": 2}, "rollout"),
        (LEVEL, {"stage": "nowhere"}, None),
        (HOUR, {"hour": 25}, 25),
    ],
)
def test_a_field_gives_its_value_where_it_is_one(spaces, dimension, metadata, value):
    space = spaces.make(dimension)
    memory = spaces.add(space, "x", metadata=metadata)
    assert spaces.positions(space)[memory][dimension["name"]]["value"] == value


def test_a_pole_may_be_a_memory(acme, spaces):
    low, high = acme.store("a tin spoon"), acme.store("a diamond crown")
    space = spaces.make({"name": "worth", "low": [{"memory_id": low}], "high": {"memory_id": high}})
    tin, gem = spaces.add(space, "a tin cup"), spaces.add(space, "a crown of gems")
    found = spaces.positions(space)
    assert found[tin]["worth"]["value"] < found[gem]["worth"]["value"]


def test_adding_again_is_200_and_keeps_the_coordinates(acme, spaces):
    space = spaces.make(COST)
    memory = spaces.add(space, "x", {"cost": 5})
    again = acme.post(f"/api/v1/spaces/{space}/members", {"memory_id": memory})
    assert again.status_code == 200
    assert again.json()["coordinates"]["cost"]["value"] == 5
    changed = acme.post(f"/api/v1/spaces/{space}/members", {"memory_id": memory, "coordinates": {"COST": 6}})
    assert changed.json()["coordinates"]["cost"]["value"] == 6


@pytest.mark.parametrize(
    ("coordinates", "loc", "code"),
    [
        ({"nothing": 1}, ["coordinates", "nothing"], "spaces.unknown_dimension"),
        ({"cost": 101}, ["coordinates", "cost"], "spaces.invalid_dimension"),
        ({"cost": "high"}, ["coordinates", "cost"], "spaces.invalid_dimension"),
        ({"stage": "nowhere"}, ["coordinates", "stage"], "spaces.invalid_dimension"),
        ({"stage": 3}, ["coordinates", "stage"], "spaces.invalid_dimension"),
    ],
)
def test_invalid_coordinate_is_named_and_nothing_is_written(acme, spaces, coordinates, loc, code):
    space = spaces.make(COST, LEVEL)
    memory = acme.store("x")
    response = acme.post(f"/api/v1/spaces/{space}/members", {"memory_id": memory, "coordinates": coordinates})
    assert response.status_code == 422
    assert (response.json()["errors"][0]["loc"], response.json()["code"]) == (["body", *loc], code)
    assert spaces.positions(space) == {}
    assert not Member.objects.filter(space_id=space).exists()


def test_unknown_and_another_organisations_memory_are_refused(acme, rival, spaces):
    space = spaces.make()
    for memory in (NOBODYS_ID, rival.store("theirs")):
        response = acme.post(f"/api/v1/spaces/{space}/members", {"memory_id": memory})
        assert response.status_code == 422
        assert response.json()["errors"][0]["loc"] == ["body", "memory_id"]
    assert rival.post(f"/api/v1/spaces/{space}/members", {"memory_id": rival.store("x")}).status_code == 404


def test_removed_member_has_no_position(acme, spaces):
    space = spaces.make(COST)
    memory = spaces.add(space, "x", {"cost": 5})
    path = f"/api/v1/spaces/{space}/members/{memory}"
    assert acme.delete(path).status_code == 204
    assert spaces.positions(space) == {}
    assert spaces.search(space=space, target={"cost": 5}) == []
    assert acme.delete(path).status_code == 404


def test_positions_have_pages(acme, spaces):
    space = spaces.make(COST)
    made = [spaces.add(space, f"number {number}", {"cost": number}) for number in range(5)]
    first = spaces.get(space, "/positions", limit=3)
    assert [each["memory_id"] for each in first["results"]] == made[:1:-1]
    assert first["results"][0]["content"] == "number 4"
    second = acme.get(first["next"].partition("testserver")[2]).json()
    assert [each["memory_id"] for each in second["results"]] == [made[1], made[0]]
    assert second["next"] is None


@pytest.fixture
def placed(spaces):
    """A memory with a position in a space that holds all, and in one to which it was added."""
    everything = spaces.make(PRICE, COST, name="everything", holds_all=True)
    memory = spaces.caller.store("cheap shoes", metadata={"cost": 5})
    own = spaces.make(COST, name="own")
    spaces.member(own, memory)
    assert memory in spaces.positions(everything)
    assert memory in spaces.positions(own)
    return everything, own, memory


def test_a_memory_that_is_stored_has_its_place_at_once(placed, spaces):
    everything, _, memory = placed
    assert spaces.positions(everything)[memory]["cost"]["value"] == 5


def test_rejected_memory_has_no_position_until_confirmed_again(acme, placed, spaces):
    everything, own, memory = placed
    acme.post(f"/api/v1/memories/{memory}/reject", {"reason": "wrong"})
    assert spaces.positions(everything) == spaces.positions(own) == {}
    acme.post(f"/api/v1/memories/{memory}/confirm", {"reason": "right after all"})
    assert memory in spaces.positions(everything)
    assert memory in spaces.positions(own)


def test_a_superseded_memory_gives_way_to_its_successor(acme, placed, spaces):
    everything, _, memory = placed
    answer = acme.post(
        f"/api/v1/memories/{memory}/supersede", {"content": "dear shoes", "metadata": {"cost": 9}}
    )
    assert list(spaces.positions(everything)) == [answer.json()["superseded_by"]]


def test_an_expired_memory_has_none(acme, placed, spaces):
    everything, _, memory = placed
    soon = acme.store("short-lived", expires_at=(datetime.now(UTC) + timedelta(hours=1)).isoformat())
    assert soon in spaces.positions(everything)
    with tenant_transaction(acme.organisation):
        # the database's clock stands still within a transaction, and this test is one
        Memory.objects.filter(id=soon).update(expires_at=TransactionNow())
    assert expire_due(organisation=acme.organisation) == 1
    assert list(spaces.positions(everything)) == [memory]


def test_a_revised_memory_moves(acme, placed, spaces):
    everything, own, memory = placed
    before = spaces.positions(everything)[memory]["price"]["value"]
    changed = acme.client.patch(
        f"/api/v1/memories/{memory}",
        '{"content": "very expensive luxury shoes", "metadata": {"cost": 90}}',
        content_type="application/json",
        headers={"authorization": f"Bearer {acme.token}", "if-match": '"1"'},
    )
    assert changed.status_code == 200
    assert spaces.positions(everything)[memory]["price"]["value"] > before
    assert spaces.positions(own)[memory]["cost"]["value"] == 90


def test_an_erased_memory_is_in_no_space_and_the_receipt_says_so(acme, placed, spaces):
    everything, own, memory = placed
    erasure = acme.delete(f"/api/v1/memories/{memory}").json()["erasure_id"]
    receipt = acme.get(f"/api/v1/erasures/{erasure}").json()
    assert receipt["removed"]["positions"] == 3  # two positions and a membership
    assert spaces.positions(everything) == spaces.positions(own) == {}
    with tenant_transaction(acme.organisation):
        assert not Position.objects.filter(memory_id=memory).exists()
        assert not Member.objects.filter(memory_id=memory).exists()


def test_an_erased_memory_is_found_by_no_search_that_knew_it(acme, placed, spaces):
    everything, _, memory = placed
    assert spaces.search(space=everything, target={"cost": 5}) == [memory]
    acme.delete(f"/api/v1/memories/{memory}")
    assert spaces.search(space=everything, target={"cost": 5}) == []


def test_a_memory_without_a_vector_is_placed_when_it_has_one(acme, spaces, monkeypatch):
    space = spaces.make(PRICE, COST, holds_all=True)

    def away(organisation):
        raise EmbedderUnavailable

    with monkeypatch.context() as patched:
        patched.setattr("memory.index.embeddings.active_manager", away)
        memory = acme.store("cheap shoes", metadata={"cost": 5})
    found = spaces.positions(space)[memory]
    assert found["price"]["value"] is None
    assert found["cost"]["value"] == 5
    assert heal_pending(organisation=acme.organisation) == 1
    assert spaces.positions(space)[memory]["price"]["source"] == "projection"


def test_space_that_holds_all_includes_earlier_memories(acme, spaces):
    memory = acme.store("cheap shoes")
    rejected = acme.store("wrong")
    acme.post(f"/api/v1/memories/{rejected}/reject", {})
    assert list(spaces.positions(spaces.make(PRICE, holds_all=True))) == [memory]


def test_space_with_poles_is_not_created_without_an_embedder(acme, monkeypatch):
    def away(organisation):
        raise EmbedderUnavailable

    monkeypatch.setattr("spaces.placement.axes.active_manager", away)
    assert acme.post("/api/v1/spaces", {"name": "x", "dimensions": [FEEL]}).status_code == 503
    assert acme.get("/api/v1/spaces").json()["results"] == []


def test_a_memory_that_shows_nothing_has_no_place(acme, spaces):
    space = spaces.make(COST, holds_all=True)
    blank = acme.post("/store", {"content": " ", "metadata": {"cost": 5}}).json()["data"]["memory_id"]
    seen = acme.store("x", metadata={"cost": 5})
    later = spaces.make(COST, name="later", holds_all=True)
    for each in (space, later):
        assert set(spaces.positions(each)) == {seen}
        found = acme.search("x", search_type="conceptual", space=each, target={"cost": 5})
        assert [hit["id"] for hit in found] == [seen]
        assert acme.get(f"/api/v1/spaces/{each}/neighbours?memory={blank}").status_code in (404, 422)
