"""References: types, interpolation, missing values."""

import json
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liftos.kernel.db.jsonb import NotStorable, to_jsonb
from workflows.definition import Unresolvable, holds, references, resolve
from workflows.definition.references import Resolver
from workflows.definition.types import TooLarge

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
def test_single_reference_keeps_the_values_type(value):
    assert resolve("{x}", parameters={"x": value}, results={}) is value
    assert resolve("{item}", parameters={}, results={}, item=value) is value
    assert resolve("{steps.a.result}", parameters={}, results={"a": value}) is value
    assert resolve({"in": ["{x}"]}, parameters={"x": value}, results={}) == {"in": [value]}


@given(PLAIN, JSON, PLAIN)
def test_reference_inside_text_is_interpolated(before, value, after):
    text = value if isinstance(value, str) else "" if value is None else json.dumps(value, ensure_ascii=False)
    put_in = resolve(f"<{before}{{x}}{after}>", parameters={"x": value}, results={})
    assert put_in == f"<{before}{text}{after}>"


@given(
    st.recursive(
        PLAIN | st.integers() | st.none(), lambda inner: st.lists(inner) | st.dictionaries(PLAIN, inner)
    )
)
def test_values_without_references_are_unchanged(value):
    assert resolve(value, parameters={"x": 1}, results={"x": 1}) == value


@given(PLAIN)
def test_resolved_values_are_not_resolved_again(text):
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


def test_omitted_parameter_omits_its_argument():
    assert resolved({"a": "{none}", "b": ["{none}"], "c": "[{none}]", "d": "{none.x}"}) == {
        "b": [None],
        "c": "[]",
    }
    assert resolved("{none}") is None


def test_null_parameter_stays_null():
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
def test_missing_path_is_named(value):
    with pytest.raises(Unresolvable, match=r"(can.t be resolved|is not a step)"):
        resolved(value, limit=10)


def test_inputs_are_not_mutated():
    parameters, results = {"x": [1]}, {"a": {"b": [2]}}
    resolve({"y": ["{x}", "{steps.a.result}"]}, parameters=parameters, results=results)
    assert (parameters, results) == ({"x": [1]}, {"a": {"b": [2]}})


QUOTING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8)
    | st.sampled_from(["{x}", "{y}", "{steps.a.result}", "{none}", "a {x} {x}", "{{x}} is {y}", 'é"{steps.a.result}\\', "{item}"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@given(QUOTING, JSON, JSON)
def test_size_is_counted_as_stored(value, x, y):
    resolver = Resolver({"x": x, "y": y}, {"a": {"x": y}}, [x])
    try:
        found = resolver.resolve(value)
        kept = len(to_jsonb(found).encode())
    except (NotStorable, ValueError):
        return
    assert resolver.bytes == (kept if value != "{none}" else 0)
    resolve(value, parameters={"x": x, "y": y}, results={"a": {"x": y}}, item=[x], most=kept)
    with pytest.raises(TooLarge):
        resolve(
            value, parameters={"x": x, "y": y}, results={"a": {"x": y}}, item=[x], most=resolver.bytes - 1
        )


BIG = "x" * 400_000
MOST = 4_000_000
QUOTED_OFTEN = {
    "within a text": "{p}" * 400,
    "in texts of a list": ["a {p}"] * 400,
    "whole, in a list": ["{p}"] * 400,
    "whole, in objects": {str(number): {"a": "{p}"} for number in range(400)},
    "part of it": ["{q.0.a}", "{q.0.a}!"] * 200,
    "an object as text": "{q}" * 400,
    "an item": ["{item}"] * 400,
    "results": ["{steps.a.result.b}"] * 400,
}


@pytest.mark.parametrize("name", QUOTED_OFTEN)
def test_oversized_result_is_not_built(name):
    values = {"parameters": {"p": BIG, "q": [{"a": BIG}]}, "results": {"a": {"b": BIG}}, "item": BIG}
    tracemalloc.start()
    try:
        with pytest.raises(TooLarge):
            resolve(QUOTED_OFTEN[name], most=MOST, **values)
        assert tracemalloc.get_traced_memory()[1] < 2 * MOST
    finally:
        tracemalloc.stop()


def test_condition_values_count_towards_the_size():
    values = {"parameters": {"p": list(range(50_000)), "q": list(range(49_999))}, "results": {}}
    assert holds({"p": {"$in": ["{p}"]}}, most=MOST, **values)
    assert not holds({"p": {"$in": ["{q}"] * 5}}, most=MOST, **values)
    for when in ({"p": {"$in": ["{q}"] * 400}}, {"$any": [{"p": "{q}"}] * 40}, {"p": "{q}" * 400}):
        with pytest.raises(TooLarge):
            holds(when, most=MOST, **values)


def test_repeated_value_is_measured_once(monkeypatch):
    counted = []
    monkeypatch.setattr(references, "json_bytes", lambda value: counted.append(value) or 2)
    resolve(["{p}"] * 1_000, parameters={"p": [1, 2]}, results={}, most=MOST)
    assert counted == [[1, 2]]
