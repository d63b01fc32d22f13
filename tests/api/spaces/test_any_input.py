"""Arbitrary JSON at the routes of spaces: never a failure of ours."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.api.spaces.conftest import COST, PRICE
from tests.api.test_any_json import JSON, assert_answered

BOUNDED = settings(
    max_examples=40,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
DIMENSION = st.fixed_dictionaries(
    {},
    optional={
        "name": st.text(max_size=5) | JSON,
        "low": st.sampled_from(["cheap", ["a", "b"]]) | JSON,
        "high": st.sampled_from(["dear", ["b", "c"]]) | JSON,
        "field": st.text(max_size=5) | JSON,
        "range": st.tuples(st.floats(allow_nan=False, allow_infinity=False), st.floats(allow_nan=False, allow_infinity=False)) | JSON,
        "scale": st.sampled_from(["linear", "log", "ordinal", "circular"]) | JSON,
        "levels": st.lists(st.text(max_size=3), max_size=3) | JSON,
        "weight": st.floats() | JSON,
        "examples": JSON,
        "domain": st.text(max_size=3),
    },
)  # fmt: skip
BODIES = {
    "/api/v1/spaces": st.fixed_dictionaries(
        {}, optional={"name": st.text(max_size=8) | JSON, "dimensions": st.lists(DIMENSION, max_size=3) | JSON, "template": JSON}
    ),
    "/members": st.fixed_dictionaries(
        {"memory_id": st.just("MEMORY")},
        optional={"coordinates": st.dictionaries(st.sampled_from(["price", "cost", "x"]), st.floats() | JSON, max_size=3) | JSON},
    ),
    "/concepts": st.fixed_dictionaries(
        {"name": st.text(max_size=5) | JSON},
        optional={
            "prototype": st.dictionaries(st.sampled_from(["price", "cost"]), st.floats(0, 1) | JSON) | JSON,
            "weights": st.dictionaries(st.sampled_from(["price", "cost"]), st.floats() | JSON) | JSON,
            "examples": JSON,
            "text": st.text(max_size=5) | JSON,
            "radius": st.floats() | JSON,
        },
    ),
    "/relations": st.fixed_dictionaries({}, optional={"source": JSON, "kind": JSON, "target": JSON, "weight": JSON}),
}  # fmt: skip


def dumped(body, **names):
    text = json.dumps(body)
    for name, value in names.items():
        text = text.replace(name, value)
    return text


@pytest.mark.parametrize("path", BODIES)
@BOUNDED
@given(data=st.data())
def test_any_body_is_answered(spaces, path, data):
    if not hasattr(spaces, "made"):
        spaces.made = spaces.make(PRICE, COST, name="a space of the test's own")
        spaces.memory = spaces.caller.store("x")
    raw = dumped(data.draw(BODIES[path]), MEMORY=spaces.memory)
    target = path if path.startswith("/api") else f"/api/v1/spaces/{spaces.made}{path}"
    assert_answered(spaces.caller.send(target, raw, "application/json"))


@BOUNDED
@given(
    body=st.fixed_dictionaries(
        {"search_type": st.sampled_from(["conceptual", "hybrid"])},
        optional={
            "query": st.text(max_size=10) | JSON,
            "space": st.sampled_from(["SPACE", "nowhere", ""]) | JSON,
            "target": st.dictionaries(st.sampled_from(["price", "cost", "x"]), st.floats() | st.sampled_from(["low", "high"]) | JSON)
            | JSON,
            "concept": st.text(max_size=5) | JSON,
            "like": st.sampled_from(["MEMORY"]) | JSON,
            "space_version": st.integers() | JSON,
        },
    )
)  # fmt: skip
def test_any_search_in_a_space_is_answered(spaces, body):
    if not hasattr(spaces, "made"):
        spaces.made = spaces.make(PRICE, COST, name="a space of the test's own")
        spaces.memory = spaces.add(spaces.made, "cheap shoes", {"cost": 5})
    raw = dumped(body, SPACE=spaces.made, MEMORY=spaces.memory)
    assert_answered(spaces.caller.send("/api/v1/search", raw, "application/json"))


@BOUNDED
@given(names=JSON, name=st.text(max_size=10))
def test_any_body_of_the_old_route_is_answered(acme, names, name):
    response = acme.client.post(
        "/conceptual-spaces/create",
        json.dumps(names),
        content_type="application/json",
        headers={"authorization": f"Bearer {acme.token}"},
        query_params={"name": name},
    )
    assert_answered(response)
