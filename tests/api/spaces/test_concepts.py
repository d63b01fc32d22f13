"""Concepts, relations, and what can be asked of a space."""

import pytest

from tests.api.routes import NOBODYS_ID
from tests.api.spaces.conftest import COST, FEEL, PRICE, REACH

LEVEL = {"name": "stage", "scale": "ordinal", "levels": ["idea", "test", "rollout"]}


@pytest.fixture
def space(spaces):
    return spaces.make(PRICE, FEEL)


def add(caller, space, name, **fields):
    response = caller.post(f"/api/v1/spaces/{space}/concepts", {"name": name, **fields})
    assert response.status_code == 201, response.content
    return response.json()


def relate(caller, space, source, kind, target, **fields):
    body = {"source": source, "kind": kind, "target": target, **fields}
    return caller.post(f"/api/v1/spaces/{space}/relations", body)


def test_a_concept_by_its_prototype(acme, space, spaces):
    made = add(acme, space, "Bargain", prototype={"PRICE": 0.1}, weights={"price": 2}, radius=0.3)
    assert made["prototype"] == {"price": pytest.approx(0.1)}
    assert (made["weights"], made["radius"]) == ({"price": 2}, 0.3)
    assert spaces.get(space)["concepts_count"] == 1
    assert acme.get(f"/api/v1/spaces/{space}/concepts/{made['id']}").json() == made
    assert acme.get(f"/api/v1/spaces/{space}/concepts").json()["results"] == [made]


def test_a_concept_is_learnt_from_examples(acme, space, spaces):
    examples = [
        spaces.add(space, f"e{number}", {"price": 0.2, "feel": feel})
        for number, feel in enumerate((0, 0.5, 1))
    ]
    made = add(acme, space, "Cheap", examples=examples)
    assert made["prototype"]["price"] == pytest.approx(0.2)
    assert made["weights"]["price"] > 2 * made["weights"]["feel"]
    assert made["examples"] == examples


def test_a_concept_is_placed_by_a_text(acme, space):
    low, high = add(acme, space, "a", text="cheap, low price"), add(acme, space, "b", text="expensive")
    assert low["prototype"]["price"] < high["prototype"]["price"]


def test_a_concept_on_a_scale_of_levels(acme, spaces):
    space = spaces.make(LEVEL)
    assert add(acme, space, "ready", prototype={"stage": "rollout"})["prototype"] == {"stage": "rollout"}


@pytest.mark.parametrize(
    ("fields", "loc", "code"),
    [
        ({}, ["prototype"], "spaces.invalid_concept"),
        ({"prototype": {"nothing": 1}}, ["prototype", "nothing"], "spaces.unknown_dimension"),
        ({"prototype": {"price": 2}}, ["prototype", "price"], "spaces.invalid_dimension"),
        (
            {"prototype": {"price": 0.5}, "weights": {"nothing": 1}},
            ["weights", "nothing"],
            "spaces.unknown_dimension",
        ),
        (
            {"prototype": {"price": 0.5}, "weights": {"price": -1}},
            ["weights", "price"],
            "spaces.invalid_concept",
        ),
        ({"prototype": {"price": 0.5}, "weights": {"price": 0}}, ["prototype"], "spaces.invalid_concept"),
        ({"prototype": {"price": 0.5}, "radius": 0}, ["radius"], None),
        ({"examples": [NOBODYS_ID]}, ["examples"], "spaces.unknown_memory"),
    ],
)
def test_a_concept_that_says_nothing_is_refused(acme, space, fields, loc, code):
    response = acme.post(f"/api/v1/spaces/{space}/concepts", {"name": "x", **fields})
    assert response.status_code == 422
    assert response.json()["errors"][0]["loc"] == ["body", *loc]
    assert code is None or response.json()["code"] == code
    assert acme.get(f"/api/v1/spaces/{space}/concepts").json()["results"] == []


def test_two_concepts_of_one_name_are_refused(acme, space):
    add(acme, space, "Bargain", prototype={"price": 0})
    response = acme.post(f"/api/v1/spaces/{space}/concepts", {"name": "bargain", "prototype": {"price": 1}})
    assert response.status_code == 409


def test_a_deleted_concept_takes_its_relations_with_it(acme, space, spaces):
    made = add(acme, space, "a", prototype={"price": 0})
    add(acme, space, "b", prototype={"price": 1})
    assert relate(acme, space, "a", "opposite", "b").status_code == 201
    assert acme.delete(f"/api/v1/spaces/{space}/concepts/{made['id']}").status_code == 204
    assert spaces.get(space)["relations_count"] == 0
    assert acme.delete(f"/api/v1/spaces/{space}/concepts/{made['id']}").status_code == 404


def test_relations_are_listed_and_deleted(acme, space, spaces):
    for name in ("steal", "bargain"):
        add(acme, space, name, prototype={"price": 0})
    made = relate(acme, space, "Steal", "is_a", "bargain", weight=0.5)
    assert made.status_code == 201
    assert made.json() | {"id": ""} == {
        "id": "", "source": "steal", "kind": "is_a", "target": "bargain", "weight": 0.5,
    }  # fmt: skip
    assert relate(acme, space, "steal", "is_a", "bargain").status_code == 200
    assert [each["weight"] for each in spaces.get(space, "/relations")["results"]] == [1]
    path = f"/api/v1/spaces/{space}/relations/{made.json()['id']}"
    assert acme.delete(path).status_code == 204
    assert acme.delete(path).status_code == 404


@pytest.mark.parametrize("kind", ["is_a", "part_of"])
def test_nothing_is_by_way_of_others_a_kind_or_part_of_itself(acme, space, kind):
    for name in ("a", "b", "c"):
        add(acme, space, name, prototype={"price": 0})
    assert relate(acme, space, "a", kind, "b").status_code == 201
    assert relate(acme, space, "b", kind, "c").status_code == 201
    response = relate(acme, space, "c", kind, "a")
    assert response.status_code == 422
    assert response.json()["code"] == "spaces.cyclic_relation"
    assert response.json()["errors"][0]["loc"] == ["body", "target"]
    assert "c → a → b → c" in response.json()["detail"]
    assert relate(acme, space, "c", "similar", "a").status_code == 201
    assert relate(acme, space, "a", kind, "a").status_code == 422


@pytest.mark.parametrize(
    ("body", "loc"),
    [
        (("x", "is_a", "a"), ["source"]),
        (("a", "is_a", "x"), ["target"]),
        (("a", "eats", "a"), ["kind"]),
    ],
)
def test_relation_of_an_unknown_concept_is_refused(acme, space, body, loc):
    add(acme, space, "a", prototype={"price": 0})
    response = relate(acme, space, *body)
    assert response.status_code == 422
    assert response.json()["errors"][0]["loc"] == ["body", *loc]


def test_the_counts_of_the_old_list_move(acme, space):
    def told():
        return next(iter(acme.get("/conceptual-spaces").json()["data"]["conceptual_spaces"].values()))

    before = told()
    add(acme, space, "a", prototype={"price": 0})
    add(acme, space, "b", prototype={"price": 1})
    relate(acme, space, "a", "opposite", "b")
    after = told()
    assert (after["concepts_count"], after["relationships_count"]) == (2, 1)
    assert after["updated_at"] > before["updated_at"]


@pytest.fixture
def line(spaces):
    """Three memories on a line."""
    space = spaces.make(COST, REACH)
    return space, [spaces.add(space, f"at {cost}", {"cost": cost, "reach": 10}) for cost in (10, 50, 100)]


def test_neighbours_are_nearest_first(spaces, line):
    space, (first, second, third) = line
    found = spaces.get(space, "/neighbours", memory=first)["results"]
    assert [each["memory_id"] for each in found] == [second, third]
    assert found[0]["distance"] == pytest.approx(0.2)
    assert found[0]["coverage"] == 1
    assert len(spaces.get(space, "/neighbours", memory=first, limit=1)["results"]) == 1


def test_two_memories_side_by_side_and_one_between(spaces, line):
    space, (first, second, third) = line
    found = spaces.get(space, "/compare", first=first, second=third, between=second)
    assert found["distance"] == pytest.approx(0.45)
    assert found["betweenness"] == pytest.approx(1)
    cost = found["dimensions"][0]
    assert (cost["first"], cost["second"], cost["difference"], cost["weight"]) == (
        10,
        100,
        pytest.approx(0.9),
        0.5,
    )


def test_memorys_typicality_of_a_concept_is_explained(acme, spaces, line):
    space, (first, _, third) = line
    add(acme, space, "small", prototype={"cost": 10}, radius=0.2)
    add(acme, space, "big", prototype={"cost": 100}, radius=0.2)
    near = spaces.get(space, "/explain", memory=first, concept="small")
    far = spaces.get(space, "/explain", memory=third, concept="small")
    assert near["typicality"] == pytest.approx(1)
    assert near["membership"] > 0.9 > far["membership"]
    assert [each["name"] for each in far["nearest_concepts"]] == ["big", "small"]
    assert near["dimensions"][1]["concept"] is None


def test_clusters_repeat_themselves(acme, spaces):
    space = spaces.make(COST)
    low = {spaces.add(space, "x", {"cost": cost}) for cost in (1, 2, 3)}
    high = {spaces.add(space, "x", {"cost": cost}) for cost in (90, 91)}
    add(acme, space, "big", prototype={"cost": 100})
    first = spaces.get(space, "/clusters", count=2)
    assert first == spaces.get(space, "/clusters", count=2)
    assert [set(each["members"]) for each in first["results"]] == [low, high]
    assert first["results"][1]["centre"] == {"cost": pytest.approx(90.5)}
    assert first["results"][1]["nearest_concept"] == "big"
    assert spaces.get(spaces.make(COST, name="empty"), "/clusters")["results"] == []


def test_report_names_useless_dimensions(spaces):
    taught = PRICE | {"examples": [{"value": number / 4, "text": text} for number, text in enumerate(
        ("a cheap pen", "a low price", "a normal price", "an expensive car", "a costly yacht"))]}  # fmt: skip
    space = spaces.make(taught, "nobody knows", COST)
    for cost in range(5):
        spaces.add(space, f"expensive {cost}" if cost % 2 else f"cheap {cost}", {"cost": cost})
    price, nobody, cost = spaces.get(space, "/report")["results"]
    assert price["kind"] == "poles"
    assert price["separation"] > 1
    assert price["spearman"] > 0.5
    assert nobody["known"] == 0
    assert "useless" in nobody["warnings"][0]
    assert (cost["known"], cost["separation"]) == (1, None)


ASKED = ["/positions", f"/neighbours?memory={NOBODYS_ID}", f"/explain?memory={NOBODYS_ID}&concept=x",
         f"/compare?first={NOBODYS_ID}&second={NOBODYS_ID}", "/clusters", "/report", "/versions", "/dimensions", "/concepts",
         "/relations", f"/concepts/{NOBODYS_ID}"]  # fmt: skip


@pytest.mark.parametrize("what", ASKED)
def test_another_organisations_space_does_not_exist(rival, space, what):
    assert rival.get(f"/api/v1/spaces/{space}{what}").status_code == 404


@pytest.mark.parametrize(
    "what", ["/neighbours?memory=", "/explain?concept=x&memory=", "/compare?second={}&first="]
)
def test_a_memory_that_is_not_in_the_space_is_404_and_named(acme, space, what):
    memory = acme.store("elsewhere")
    response = acme.get(f"/api/v1/spaces/{space}{what.format(memory)}{memory}")
    assert response.status_code == 404
    assert response.json()["code"] in {"spaces.not_a_member", "spaces.concept_not_found"}
