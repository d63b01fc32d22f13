"""/api/v1/spaces: making, changing, listing and deleting spaces."""

import pytest

from tests.api.routes import NOBODYS_ID
from tests.api.spaces.conftest import COST, FEEL, PRICE, REACH

BAD_DIMENSIONS = [
    ([], ["dimensions"], None),
    ([{"name": f"d{number}"} for number in range(500)], ["dimensions"], None),
    ([{"low": "a", "high": "b"}], ["dimensions", 0, "name"], "missing"),
    ([PRICE, {"name": "Price"}], ["dimensions", 1, "name"], "spaces.invalid_dimension"),
    ([{"name": " "}], ["dimensions", 0, "name"], None),
    ([{"name": "p", "low": "", "high": "b"}], ["dimensions", 0, "low"], None),
    ([{"name": "p", "low": "  ", "high": "b"}], ["dimensions", 0, "low"], None),
    ([{"name": "p", "low": "cheap"}], ["dimensions", 0, "high"], "spaces.invalid_dimension"),
    ([{"name": "p", "high": "dear"}], ["dimensions", 0, "low"], "spaces.invalid_dimension"),
    ([{"name": "p", "low": "cheap", "high": " CHEAP "}], ["dimensions", 0, "high"], "spaces.invalid_dimension"),
    ([{"name": "p", "low": ["cheap", "low"], "high": ["dear", "low"]}], ["dimensions", 0, "high"], "spaces.invalid_dimension"),
    ([{"name": "p", "low": {"memory_id": NOBODYS_ID}, "high": "b"}], ["dimensions", 0, "low"], "spaces.unknown_memory"),
    ([{"name": "p", "field": "price"}], ["dimensions", 0], "value_error"),
    ([{"name": "p", "field": "price", "range": [5, 5]}], ["dimensions", 0, "range"], "spaces.invalid_dimension"),
    ([{"name": "p", "field": "price", "range": [9, 5]}], ["dimensions", 0, "range"], "spaces.invalid_dimension"),
    ([{"name": "p", "field": "price", "range": [0, 5], "scale": "log"}], ["dimensions", 0, "range"], "spaces.invalid_dimension"),
    ([{"name": "p", "field": "price", "range": [1, 2, 3]}], ["dimensions", 0, "range"], None),
    ([{"name": "p", "field": "price", "scale": "ordinal"}], ["dimensions", 0, "levels"], "spaces.invalid_dimension"),
    ([{"name": "p", "field": "p", "scale": "ordinal", "levels": ["a", "A"]}], ["dimensions", 0, "levels"], "spaces.invalid_dimension"),
    ([{"name": "p", "field": "p", "scale": "cubic", "range": [0, 1]}], ["dimensions", 0, "scale"], "enum"),
    ([PRICE | {"weight": -1}], ["dimensions", 0, "weight"], "greater_than_equal"),
    ([PRICE | {"examples": [{"value": 1}]}], ["dimensions", 0, "examples", 0], "value_error"),
    ([{"name": "p", "examples": [{"value": 1, "text": "a"}], "field": "p", "range": [0, 1]}], ["dimensions", 0, "examples"],
     "spaces.invalid_dimension"),
    ([PRICE | {"examples": [{"value": 1, "text": "a"}, {"value": 1, "text": "b"}]}], ["dimensions", 0, "examples"],
     "spaces.invalid_dimension"),
]  # fmt: skip


def test_space_is_created_and_returned(spaces):
    space = spaces.make(PRICE, COST, name="Offers", description="What we sell")
    told = spaces.get(space)
    assert (told["name"], told["version"], told["description"]) == ("Offers", 1, "What we sell")
    assert [each["name"] for each in told["dimensions"]] == ["price", "cost"]
    assert [each["kind"] for each in told["dimensions"]] == ["poles", "field"]
    assert told["positions"] == {"state": "ready", "done": 0, "total": 0}


def test_the_answer_to_making_one_is_the_space(acme):
    response = acme.post("/api/v1/spaces", {"name": "One", "dimensions": [PRICE]})
    assert response.status_code == 201
    assert {"id", "version"} <= response.json().keys()
    assert response["Location"].endswith(response.json()["id"])


def test_one_dimension_is_enough(spaces):
    assert spaces.get(spaces.make(PRICE))["version"] == 1


def test_name_alone_gets_the_templates_poles(spaces):
    told = spaces.get(spaces.make("price", {"name": "mood of the moon"}))
    assert told["dimensions"][0]["low"][0] == "cheap"
    assert told["dimensions"][1]["kind"] == "nothing"


def test_a_space_from_a_template(acme):
    response = acme.post("/api/v1/spaces", {"name": "Mine", "template": "decisions"})
    assert response.status_code == 201
    assert "reversibility" in [each["name"] for each in response.json()["dimensions"]]
    listed = acme.get("/api/v1/spaces/templates").json()["results"]
    assert [each["name"] for each in listed] == ["marketing", "feedback", "decisions"]


@pytest.mark.parametrize(("dimensions", "loc", "kind"), BAD_DIMENSIONS)
def test_a_dimension_that_can_not_be_used_is_named(acme, dimensions, loc, kind):
    response = acme.post("/api/v1/spaces", {"name": "Bad", "dimensions": dimensions})
    assert response.status_code == 422, response.content
    error = response.json()["errors"][0]
    assert error["loc"][1 : len(loc) + 1] == loc
    assert kind is None or error["type"] == kind
    assert acme.get("/api/v1/spaces").json()["results"] == []


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e999"])
def test_invalid_number_is_refused(acme, number):
    raw = f'{{"name": "x", "dimensions": [{{"name": "p", "field": "p", "range": [0, {number}]}}]}}'
    assert acme.send("/api/v1/spaces", raw, "application/json").status_code == 422


def test_two_spaces_of_one_name_are_refused(acme, spaces):
    spaces.make(name="Offers")
    response = acme.post("/api/v1/spaces", {"name": " oFFers ", "dimensions": [PRICE]})
    assert response.status_code == 409
    assert response.json()["code"] == "spaces.name_taken"
    assert response.json()["errors"][0]["loc"] == ["body", "name"]
    assert len(acme.get("/api/v1/spaces").json()["results"]) == 1


def test_another_organisation_may_have_the_name_and_sees_nothing(acme, rival, spaces):
    space = spaces.make(name="Offers")
    assert rival.post("/api/v1/spaces", {"name": "Offers", "dimensions": [PRICE]}).status_code == 201
    assert rival.get(f"/api/v1/spaces/{space}").status_code == 404
    assert len(rival.get("/api/v1/spaces").json()["results"]) == 1


def test_change_of_weights_moves_no_member(spaces):
    space = spaces.make(PRICE, COST)
    memory = spaces.add(space, "cheap shoes", metadata={"cost": 10})
    before = spaces.positions(space)
    told = spaces.put(space, PRICE | {"weight": 5}, COST | {"weight": 0.1})
    assert (told["version"], told["newest_version"]) == (2, 2)
    assert told["dimensions"][0]["weight"] == 5
    assert spaces.positions(space) == before
    assert spaces.positions(space, version=1) == before
    assert memory in before


def test_a_change_of_poles_moves_and_the_older_version_can_still_be_asked(spaces):
    space = spaces.make(PRICE)
    memory = spaces.add(space, "a very cheap and simple thing")
    before = spaces.positions(space)[memory]["price"]["value"]
    spaces.put(space, PRICE | {"low": ["complicated"], "high": ["simple"]})
    after = spaces.positions(space)[memory]["price"]["value"]
    assert after != before
    assert spaces.positions(space, version=1)[memory]["price"]["value"] == before
    versions = spaces.get(space, "/versions")["results"]
    assert [each["version"] for each in versions] == [2, 1]


def test_memory_stored_after_a_change_is_placed_in_the_older_version_too(spaces):
    space = spaces.make(COST, name="all", holds_all=True)
    spaces.put(space, REACH)
    memory = spaces.caller.store("x", metadata={"cost": 40, "reach": 10})
    assert spaces.positions(space)[memory]["reach"]["value"] == 10
    assert spaces.positions(space, version=1)[memory]["cost"]["value"] == 40


def test_an_unknown_version_is_404(acme, spaces):
    space = spaces.make()
    assert acme.get(f"/api/v1/spaces/{space}?version=2").status_code == 404
    assert acme.get(f"/api/v1/spaces/{space}/positions?version=2").status_code == 404
    assert acme.get(f"/api/v1/spaces/{space}?version=0").status_code == 422


def test_a_bad_change_changes_nothing(acme, spaces):
    space = spaces.make(PRICE, FEEL)
    response = acme.client.put(
        f"/api/v1/spaces/{space}/dimensions",
        '{"dimensions": [{"name": "p", "low": "same", "high": "same"}]}',
        content_type="application/json",
        headers={"authorization": f"Bearer {acme.token}"},
    )
    assert response.status_code == 422
    assert spaces.get(space)["version"] == 1


def test_labelled_examples_teach_a_dimension(spaces):
    taught = PRICE | {
        "examples": [
            {"value": 0, "text": "pebble"},
            {"value": 1, "text": "gemstone"},
            {"value": 0.1, "text": "gravel"},
        ]
    }
    plain, fitted = spaces.make(PRICE, name="plain"), spaces.make(taught, name="fitted")
    jewel, stone = spaces.add(plain, "a sapphire"), spaces.add(plain, "a brick")
    for memory in (jewel, stone):
        spaces.member(fitted, memory)

    def values(space):
        found = spaces.positions(space)
        return [found[memory]["price"]["value"] for memory in (jewel, stone)]

    # the poles alone take the brick for the dearer of the two
    assert values(plain)[0] < values(plain)[1]
    assert values(fitted)[0] > values(fitted)[1] + 0.2


def test_a_deleted_space_is_gone_and_its_memories_are_not(acme, spaces):
    space = spaces.make(PRICE)
    memory = spaces.add(space, "cheap shoes")
    assert acme.delete(f"/api/v1/spaces/{space}").status_code == 204
    assert acme.get(f"/api/v1/spaces/{space}").status_code == 404
    assert acme.delete(f"/api/v1/spaces/{space}").status_code == 404
    assert acme.get(f"/api/v1/memories/{memory}").status_code == 200
    assert acme.post("/api/v1/spaces", {"name": "offers", "dimensions": [PRICE]}).status_code == 201


def test_every_change_is_on_record(acme, spaces):
    space = spaces.make(PRICE)
    spaces.put(space, PRICE | {"weight": 2})
    found = acme.get(f"/api/v1/decisions?subject_id={space}").json()["results"]
    assert [each["operation"] for each in found] == ["space.change", "space.create"]
    assert "price reweighted or renamed" in found[0]["reasoning"]


def test_a_list_has_pages(acme, spaces):
    made = [spaces.make(PRICE, name=f"space {number}") for number in range(5)]
    first = acme.get("/api/v1/spaces?limit=2").json()
    assert [each["id"] for each in first["results"]] == [made[4], made[3]]
    second = acme.get(first["next"].partition("testserver")[2]).json()
    assert [each["id"] for each in second["results"]] == [made[2], made[1]]


@pytest.mark.parametrize(
    ("fields", "at"),
    [
        ({"range": [-1e308, 1e308]}, "range"),
        ({"range": [0, 1e-320]}, "range"),
        ({"range": [1e-300, 1e300], "scale": "log"}, "range"),
        ({"examples": [{"text": "a", "value": 1e200}, {"text": "b", "value": 1}]}, "examples"),
    ],
)
def test_numbers_beyond_reckoning_are_422_naming_the_field(acme, fields, at):
    body = {"name": "wide", "dimensions": [{"name": "x", "low": "cheap", "high": "dear", **fields}]}
    response = acme.post("/api/v1/spaces", body)
    assert response.status_code == 422
    assert [each["loc"] for each in response.json()["errors"]] == [["body", "dimensions", 0, at]]
