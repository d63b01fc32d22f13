"""A word that is none of those there are is answered with the nearest: search types, states, kinds, operators, names."""

import pytest

from tests.factories.flows import step

MEMORIES, TEMPLATES, RUNS = "/api/v1/memories", "/api/v1/workflows/templates", "/api/v1/workflows/runs"


def told(response, status=422):
    assert response.status_code == status, response.content
    return " ".join(each["msg"] for each in response.json()["errors"])


@pytest.mark.parametrize(
    ("path", "body", "meant"),
    [
        ("/api/v1/search", {"query": "x", "search_type": "hybird"}, "hybrid"),
        ("/api/v1/search", {"query": "x", "states": ["contestd"]}, "contested"),
        ("/api/v1/search", {"query": "x", "filters": {"price": {"$ltee": 1}}}, "$lte"),
        ("/api/v1/search", {"query": "x", "filters": {"price": {"exist": True}}}, "$exists"),
        (
            TEMPLATES,
            {"name": "t", "steps": [step("a", "memory.health", arguments={}, when={"x": {"$ltee": 1}})]},
            "$lte",
        ),
    ],
)
def test_the_nearest_word_is_named(acme, path, body, meant):
    assert f"did you mean '{meant}'?" in told(acme.post(path, body))


def test_states_of_a_list(acme):
    assert "did you mean 'contested'?" in told(acme.get(f"{MEMORIES}?states=held,contestd"))


def test_a_word_like_none_is_answered_with_those_there_are(acme):
    message = told(acme.post("/api/v1/search", {"query": "x", "search_type": "zzz"}))
    assert "'hybrid'" in message
    assert "mean" not in message


def test_types_and_codes_stay(acme):
    refused = acme.post("/api/v1/search", {"query": "x", "search_type": "hybird"}).json()
    [error] = refused["errors"]
    assert (refused["code"], error["type"]) == ("liftos.invalid_request", "literal_error")
    assert "did you mean" not in error["ctx"]["expected"]


def test_templates_of_the_organisation_and_of_the_product(acme, rival):
    steps = [step("a", "memory.health", arguments={})]
    assert acme.post(TEMPLATES, {"name": "quarterly_report", "steps": steps}).status_code == 201
    near = told(acme.post(RUNS, {"template": "quarterly_reprot"}), 404)
    assert "did you mean 'quarterly_report'?" in near
    assert "did you mean 'enhanced_search'?" in told(acme.post(RUNS, {"template": "enhanced_serch"}), 404)
    # of another organisation's names nothing is said
    assert "quarterly_report'" not in told(rival.post(RUNS, {"template": "quarterly_reprot"}), 404)


def test_dimensions_of_a_space(acme):
    made = acme.post(
        "/api/v1/spaces", {"name": "s", "dimensions": [{"name": "price", "field": "price", "range": [0, 1]}]}
    )
    assert made.status_code == 201, made.content
    body = {"query": "x", "space": made.json()["id"], "target": {"prize": 1}}
    response = acme.post("/api/v1/search", {**body, "search_type": "conceptual"})
    assert "did you mean 'price'?" in told(response)
