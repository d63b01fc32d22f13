"""POST /api/v1/search in a conceptual space."""

import pytest

from memory.search.types import MAX_LIMIT
from tests.api.routes import NOBODYS_ID
from tests.api.spaces.conftest import COST, FEEL, PRICE, REACH


@pytest.fixture
def shop(spaces):
    """Four things with explicit coordinates: cheap or dear, shoddy or fine."""
    space = spaces.make(PRICE, FEEL)
    things = {
        "gem": {"price": 0.1, "feel": 0.9},
        "junk": {"price": 0.1, "feel": 0.1},
        "luxury": {"price": 0.9, "feel": 0.9},
        "rip-off": {"price": 0.9, "feel": 0.1},
    }
    return space, {name: spaces.add(space, name, where) for name, where in things.items()}


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("cheap but premium feel", {"gem"}),
        ("expensive and shoddy", {"rip-off"}),
        ("low price", {"gem", "junk"}),
        ("high feel", {"gem", "luxury"}),
        ("not expensive", {"gem", "junk"}),
        ("overpriced, premium", {"luxury"}),
    ],
)
def test_only_what_a_query_names_counts_and_its_direction(shop, spaces, query, first):
    space, things = shop
    names = {memory: name for name, memory in things.items()}
    found = [names[memory] for memory in spaces.search(query, space=space)]
    assert set(found[: len(first)]) == first


@pytest.mark.parametrize(
    ("target", "first"),
    [
        ({"price": "low", "feel": "high"}, "gem"),
        ({"price": 0.9, "feel": 0.1}, "rip-off"),
        ({"PRICE": 1, "feel": "HIGH"}, "luxury"),
        ({"price": -5, "feel": "low"}, "junk"),
    ],
)
def test_a_target_needs_no_query(shop, spaces, target, first):
    space, things = shop
    assert spaces.search(space=space, target=target)[0] == things[first]


def test_a_target_and_a_query_add_up(shop, spaces):
    space, things = shop
    assert spaces.search("premium feel", space=space, target={"price": "high"})[0] == things["luxury"]


def test_a_concept_and_a_memory_can_be_asked_by(acme, shop, spaces):
    space, things = shop
    made = acme.post(
        f"/api/v1/spaces/{space}/concepts", {"name": "steal", "prototype": {"price": 0, "feel": 1}}
    )
    assert made.status_code == 201
    for concept in ("Steal", made.json()["id"]):
        hits = acme.post("/api/v1/search", {"search_type": "conceptual", "space": space, "concept": concept})
        assert hits.json()["results"][0]["id"] == things["gem"]
    twin = spaces.add(space, "twin", {"price": 0.85, "feel": 0.15})
    found = spaces.search(space=space, like=things["rip-off"])
    assert found[0] == twin
    assert things["rip-off"] not in found


def test_the_score_is_explained(acme, shop):
    space, things = shop
    [hit, *_] = acme.search("", search_type="conceptual", space=space, target={"price": 0.1, "feel": 0.9})
    assert hit["id"] == things["gem"]
    assert hit["terms"] == {"conceptual": pytest.approx(1)}
    assert hit["score"] == pytest.approx(1)


def test_a_batch_is_confined_to_a_space_and_reads_each_query(acme, shop, spaces):
    space, things = shop
    acme.store("cheap outsider")
    body = {
        "queries": ["cheap but premium feel", "expensive and shoddy", "gem"],
        "search_type": "conceptual",
        "space": space,
    }
    answers = acme.post("/api/v1/search/batch", body).json()["results"]
    assert [hits[0]["id"] for hits in answers[:2]] == [things["gem"], things["rip-off"]]
    mixed = acme.post("/api/v1/search/batch", body | {"search_type": "hybrid"}).json()["results"]
    assert mixed[0][0]["id"] == mixed[2][0]["id"] == things["gem"]
    assert acme.post("/api/v1/search/batch", body | {"space": "nowhere"}).status_code == 404


def test_member_known_on_half_the_target_scores_half(spaces):
    space = spaces.make(COST, REACH)
    whole = spaces.add(space, "a", {"cost": 50, "reach": 10})
    half = spaces.add(space, "b", {"cost": 50})
    spaces.add(space, "c")
    hits = spaces.caller.search("", search_type="conceptual", space=space, target={"cost": 50, "reach": 10})
    assert [(hit["id"], hit["score"]) for hit in hits] == [
        (whole, pytest.approx(1)),
        (half, pytest.approx(0.5)),
    ]


@pytest.mark.parametrize("search_type", ["conceptual", "hybrid", "neural", "knowledge"])
def test_a_space_confines_every_search_to_its_members(acme, spaces, search_type):
    space, empty = spaces.make(PRICE, name="some"), spaces.make(PRICE, name="none")
    member = spaces.add(space, "cheap shoes")
    acme.store("cheap shoes too")
    for named in (space, "SOME"):
        found = [hit["id"] for hit in acme.search("cheap shoes", search_type=search_type, space=named)]
        assert found == [member]
    assert acme.search("cheap shoes", search_type=search_type, space=empty) == []


@pytest.mark.parametrize("search_type", ["conceptual", "hybrid", "neural", "knowledge"])
def test_another_organisations_space_and_unknown_ones_are_404(acme, rival, spaces, search_type):
    space = spaces.make()
    for caller, named in ((rival, space), (acme, NOBODYS_ID), (acme, "no such name")):
        response = caller.post(
            "/api/v1/search", {"query": "cheap", "search_type": search_type, "space": named}
        )
        assert response.status_code == 404
        assert response.json()["errors"][0]["loc"] == ["body", "space"]


def test_relations_bring_nothing_from_outside_of_the_space(acme, spaces):
    space = spaces.make(PRICE)
    member = spaces.add(space, "cheap shoes", external_id="m")
    acme.store("an outsider", links=[{"kind": "supports", "external_id": "m"}])
    assert [hit["id"] for hit in acme.search("cheap shoes", space=space)] == [member]


@pytest.mark.parametrize(
    ("wanted", "loc", "code"),
    [
        ({"target": {"nothing": 1}}, ["target", "nothing"], "spaces.unknown_dimension"),
        ({"target": {"price": "dear"}}, ["target", "price"], "spaces.invalid_dimension"),
        ({"target": {"price": None}}, ["target", "price"], None),
        ({"target": [1]}, ["target"], None),
        ({"concept": "nothing"}, ["concept"], "spaces.unknown_concept"),
        ({"like": "x"}, ["like"], None),
        ({"space_version": 9, "target": {"price": 1}}, ["version"], "spaces.version_not_found"),
    ],
)
def test_what_can_not_be_wanted_is_named(acme, shop, wanted, loc, code):
    body = {"search_type": "conceptual", "space": shop[0], **wanted}
    response = acme.post("/api/v1/search", body)
    assert response.status_code == (404 if code == "spaces.version_not_found" else 422)
    assert response.json()["errors"][0]["loc"][1 : len(loc) + 1] == loc
    assert code is None or response.json()["code"] == code


def test_a_memory_outside_of_the_space_can_not_be_asked_by(acme, shop):
    response = acme.post(
        "/api/v1/search", {"search_type": "conceptual", "space": shop[0], "like": acme.store("elsewhere")}
    )
    assert response.status_code == 404
    assert response.json()["code"] == "spaces.not_a_member"


def test_target_does_not_affect_a_search_by_meaning(acme, shop):
    response = acme.post(
        "/api/v1/search", {"query": "x", "search_type": "neural", "space": shop[0], "target": {"price": 1}}
    )
    assert response.status_code == 422
    assert "target" in response.json()["detail"]


def test_filters_come_before_the_limit(acme, spaces):
    space = spaces.make(COST, holds_all=True)
    lines = [f'{{"content": "{number}", "metadata": {{"cost": 50}}}}' for number in range(250)]
    acme.send("/api/v1/memories/bulk", "\n".join(lines), "application/x-ndjson")
    rare = acme.store("rare", metadata={"cost": 100, "rare": True})
    assert spaces.search(space=space, target={"cost": 50}, filters={"rare": True}, limit=1) == [rare]
    assert len(spaces.search(space=space, target={"cost": 50}, limit=MAX_LIMIT)) == MAX_LIMIT


def test_a_limit_cuts_the_whole_ranking(shop, spaces):
    space, _ = shop
    full = spaces.search("cheap", space=space)
    assert len(full) == 4
    for limit in (1, 2, 3):
        assert spaces.search("cheap", space=space, limit=limit) == full[:limit]


def test_added_and_moved_members_are_found_by_the_next_search(spaces):
    space = spaces.make(COST)
    first = spaces.add(space, "a", {"cost": 90})
    assert spaces.search(space=space, target={"cost": 0}) == [first]
    second = spaces.add(space, "b", {"cost": 10})
    assert spaces.search(space=space, target={"cost": 0}) == [second, first]
    spaces.member(space, first, {"cost": 0})
    assert spaces.search(space=space, target={"cost": 0}) == [first, second]


def test_an_older_version_can_be_searched(spaces):
    space = spaces.make(COST)
    memory = spaces.add(space, "x", metadata={"cost": 5, "reach": 10})
    spaces.put(space, REACH)
    assert spaces.search(space=space, target={"reach": 10}) == [memory]
    assert spaces.search(space=space, target={"cost": 5}, space_version=1) == [memory]


def test_search_without_a_space_uses_the_default_one(acme, spaces):
    cheap = acme.store("a very cheap bargain, costs little")
    dear = acme.store("a luxury that costs a fortune, very expensive")
    assert spaces.search("cheap")[0] == cheap
    assert spaces.search("expensive")[0] == dear
    [default] = acme.get("/api/v1/spaces").json()["results"]
    assert (default["is_default"], default["holds_all"]) == (True, True)


def test_default_space_still_being_built_is_not_an_error(acme, spaces, monkeypatch):
    monkeypatch.setattr("spaces.placement.layouts.SMALL", 0)
    acme.store("cheap")
    body = acme.post("/api/v1/search", {"query": "cheap", "search_type": "conceptual"}).json()
    assert (body["results"], body["degraded"]) == ([], ["conceptual"])
    assert acme.post("/search/conceptual", {"query": "cheap"}).status_code == 200
    [default] = acme.get("/api/v1/spaces").json()["results"]
    assert default["positions"] == {"state": "building", "done": 0, "total": 1}
    named = {"query": "cheap", "search_type": "conceptual", "space": default["id"]}
    response = acme.post("/api/v1/search", named)
    assert (response.status_code, response.json()["code"]) == (409, "spaces.positions_not_ready")


def test_query_that_names_no_dimension_uses_its_own_position(acme, spaces):
    acme.store("nobody clicked, it was scrolled past")
    loved = acme.store("thousands commented on it and shared it")
    assert spaces.search("people were talking about it everywhere and sending it to friends")[0] == loved


@pytest.mark.parametrize("query", ["", " ", "...", "\u202e", "x" * 10_000])
def test_any_query_is_answered(acme, query):
    acme.store("cheap")
    assert acme.post("/api/v1/search", {"query": query, "search_type": "conceptual"}).status_code == 200


def test_hybrid_in_a_space_takes_what_the_query_names_into_account(acme, shop):
    space, things = shop
    body = acme.post("/api/v1/search", {"query": "cheap but premium feel", "space": space}).json()
    assert body["plans"].keys() == {"meaning", "words", "conceptual"}
    assert body["results"][0]["id"] == things["gem"]
    for hit in body["results"]:
        assert sum(hit["terms"].values()) == pytest.approx(hit["score"], abs=1e-6)
    plain = acme.post("/api/v1/search", {"query": "gem", "space": space}).json()
    assert plain["plans"].keys() == {"meaning", "words"}
    assert acme.post("/api/v1/search", {"query": "cheap"}).json()["plans"].keys() == {"meaning", "words"}


def test_a_search_is_on_record_with_what_it_wanted(acme, shop):
    space, _ = shop
    body = acme.post(
        "/api/v1/search", {"search_type": "conceptual", "space": space, "target": {"price": "low"}}
    ).json()
    record = acme.get(f"/api/v1/decisions/{body['decision_id']}").json()
    assert record["inputs"]["space"] == space
    assert record["inputs"]["target"] == {"price": "low"}


def test_rejected_member_is_found_only_on_request(acme, spaces):
    space = spaces.make(COST, holds_all=True)
    memory = acme.store("x", metadata={"cost": 5})
    acme.post(f"/api/v1/memories/{memory}/contest", {})
    assert spaces.search(space=space, target={"cost": 5}) == [memory]
    assert spaces.search(space=space, target={"cost": 5}, states=["active"]) == []
