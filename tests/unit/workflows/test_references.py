"""References: types kept, text put in, what is missing."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows.definition import Unresolvable, resolve

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
PLAIN = st.text(st.characters(exclude_characters="{}"), max_size=20)


def resolved(value, item=None, **parameters):
    results = {"find": {"hits": [{"id": "m-1", "score": 0.5}], "count": 1}, "skipped": None}
    return resolve(value, parameters=parameters, results=results, item=item)


@given(JSON)
def test_a_value_that_is_one_reference_is_that_very_value(value):
    assert resolve("{x}", parameters={"x": value}, results={}) is value
    assert resolve("{item}", parameters={}, results={}, item=value) is value
    assert resolve("{steps.a.result}", parameters={}, results={"a": value}) is value
    assert resolve({"in": ["{x}"]}, parameters={"x": value}, results={}) == {"in": [value]}


@given(PLAIN, JSON, PLAIN)
def test_within_text_a_value_is_put_in_as_text(before, value, after):
    text = value if isinstance(value, str) else "" if value is None else json.dumps(value, ensure_ascii=False)
    put_in = resolve(f"<{before}{{x}}{after}>", parameters={"x": value}, results={})
    assert put_in == f"<{before}{text}{after}>"


@given(
    st.recursive(
        PLAIN | st.integers() | st.none(), lambda inner: st.lists(inner) | st.dictionaries(PLAIN, inner)
    )
)
def test_what_has_no_references_stays_as_it_is(value):
    assert resolve(value, parameters={"x": 1}, results={"x": 1}) == value


@given(PLAIN)
def test_what_is_put_in_is_never_read_as_a_reference(text):
    assert resolve("{a} {b}", parameters={"a": "{b}", "b": text}, results={}) == f"{{b}} {text}"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("{steps.find.result.hits.0.id}", "m-1"),
        ("{steps.find.result.hits.0.score}", 0.5),
        ("{steps.find.result.count} hits", "1 hits"),
        ("{limit}", 10),
        ("{flag}", True),
        ("{flag} and {limit}", "true and 10"),
        ("{{limit}}", "{limit}"),
        ("{{limit}} is {limit}", "{limit} is 10"),
        ('{"a": {"b": 1}}', '{"a": {"b": 1}}'),
        ("{ limit }", "{ limit }"),
        ("{}", "{}"),
        ("{nested.list.1}", "b"),
        ({"{limit}": "{limit}"}, {"{limit}": 10}),
        ("{steps.skipped.result.hits.0}", None),
        ("{steps.not-yet.result.hits.0}", None),
    ],
)
def test_examples(value, expected):
    found = resolved(value, limit=10, flag=True, nested={"list": ["a", "b"]})
    assert found == expected
    assert type(found) is type(expected)


def test_a_parameter_that_was_not_given_leaves_its_member_out():
    assert resolved({"a": "{none}", "b": ["{none}"], "c": "[{none}]", "d": "{none.x}"}) == {
        "b": [None],
        "c": "[]",
    }
    assert resolved("{none}") is None


def test_a_parameter_that_was_given_as_null_stays():
    assert resolved({"a": "{given}"}, given=None) == {"a": None}


@pytest.mark.parametrize(
    "value",
    [
        "{steps.find.result.hits.1}",
        "{steps.find.result.misses}",
        "{steps.find.result.hits.first}",
        "{steps.find.result.hits.-2}",
        "{limit.x}",
        "{steps.find}",
        "a {limit.x} b",
    ],
)
def test_a_path_that_leads_to_nothing_is_named(value):
    with pytest.raises(Unresolvable, match=r"(leads to nothing|names no step)"):
        resolved(value, limit=10)


def test_nothing_given_is_changed():
    parameters, results = {"x": [1]}, {"a": {"b": [2]}}
    resolve({"y": ["{x}", "{steps.a.result}"]}, parameters=parameters, results=results)
    assert (parameters, results) == ({"x": [1]}, {"a": {"b": [2]}})
