import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows.definition import holds

PARAMETERS = {
    "limit": 10,
    "flag": True,
    "one": 1,
    "channel": "tv",
    "empty": [],
    "zero": 0,
    "text": "10",
    "list": ["tv"],
}
RESULTS = {"find": {"count": 3, "hits": [{"id": "m-1"}]}, "skipped": None}


def held(when):
    return holds(when, parameters=PARAMETERS, results=RESULTS)


@pytest.mark.parametrize(
    "when",
    [
        None,
        True,
        "{flag}",
        "{steps.find.result.hits}",
        {"limit": 10},
        {"{limit}": 10.0},
        {"channel": ["tv", "radio"]},
        {"steps.find.result.count": {"$gt": 2, "$lte": 3}},
        {"steps.find.result.hits.0.id": "m-1"},
        {"limit": {"$gte": "{one}"}},
        {"channel": {"$in": "{list}"}},
        {"channel": "{channel}"},
        {"text": {"$ne": 10}},
        {"one": {"$ne": True}},
        {"missing": {"$exists": False}},
        {"steps.skipped.result.count": {"$exists": False}},
        {"steps.find.result.count": {"$exists": True}},
        {"missing": None},
        {"channel": {"$lt": "u", "$nin": ["radio"]}},
        {"$any": [{"limit": 3}, "{flag}"]},
        {"$all": [{"limit": 10}, {"one": 1}]},
        {"$not": {"limit": 3}},
        {"limit": 10, "$not": "{empty}"},
    ],
)
def test_condition_holds(when):
    assert held(when)


@pytest.mark.parametrize(
    "when",
    [
        False,
        "{empty}",
        "{zero}",
        "{missing}",
        "{steps.skipped.result}",
        {"limit": "10"},
        {"flag": 1},
        {"one": True},
        {"text": {"$gt": 5}},
        {"flag": {"$gte": 0}},
        {"missing": {"$lt": 5}},
        {"limit": 10, "one": 2},
        {"channel": {"$in": "{missing}"}},
        {"$any": [{"limit": 3}, "{empty}"]},
        {"$all": [{"limit": 10}, {"one": 2}]},
        {"$not": "{flag}"},
        {"steps.find.result.nothing.deeper": 3},
    ],
)
def test_condition_does_not_hold(when):
    assert not held(when)


@given(
    st.integers() | st.text() | st.booleans() | st.none() | st.floats(allow_nan=False),
    st.integers() | st.text(),
)
def test_not_negates_every_condition(value, wanted):
    for when in ({"x": wanted}, {"x": {"$gt": wanted}}, {"x": {"$in": [wanted]}}):
        assert holds(when, parameters={"x": value}, results={}) is not holds(
            {"$not": when}, parameters={"x": value}, results={}
        )
