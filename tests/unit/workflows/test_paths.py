"""Paths of references reach any JSON key; malformed ones are errors on save."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.workflows.functions import functions
from workflows.definition import Faulty, parse, resolve

KEYS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


@given(KEYS, st.integers())
def test_any_key_in_json_quotes_is_reached(key, value):
    result = {"metadata": {key: value, f"{key}x": None}}
    for quoted in (json.dumps(key), json.dumps(key, ensure_ascii=False)):
        text = f"{{steps.find.result.metadata[{quoted}]}}"
        assert resolve(text, parameters={}, results={"find": result}) == value
        assert resolve(f"<{text}>", parameters={}, results={"find": result}) == f"<{value}>"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (".größe", 1),
        (".名前", 2),
        ("['two words']", 3),
        ("['a.b']", 4),
        ("['it\\'s']", 5),
        ("['say \"so\"']", 6),
        ("['{x}']", 7),
        ("['🚀']", 8),
        (".0", 9),
        ("[0]", 9),
        ("['']", 10),
        (".-1", 11),
        ("['back\\\\slash']", 12),
        (".unit-price", 13),
        (".list.-1", "last"),
        (".list[-2]", "first"),
        (".list[1]", "last"),
        ("['list'].0", "first"),
    ],
)
def test_paths(path, expected):
    value = {
        "größe": 1, "名前": 2, "two words": 3, "a.b": 4, "it's": 5, 'say "so"': 6, "{x}": 7, "🚀": 8, "0": 9, "": 10,
        "-1": 11, "back\\slash": 12, "unit-price": 13, "list": ["first", "last"],
    }  # fmt: skip
    for head, given_ in (
        ("{steps.find.result", {"results": {"find": value}}),
        ("{item", {"results": {}, "item": value}),
        ("{x", {"results": {}, "parameters": {"x": value}}),
    ):
        assert resolve(f"{head}{path}}}", **{"parameters": {}} | given_) == expected


def _faults(arguments, **step):
    payload = {
        "name": "t",
        "parameters": {"type": "object", "properties": {"topic": {}}},
        "steps": [
            {"name": "find", "function": "any.thing"},
            {"name": "use", "function": "any.thing", "depends_on": ["find"], "arguments": arguments} | step,
        ],
    }
    try:
        parse(payload, functions=functions)
    except Faulty as error:
        return [(fault.step, fault.field, fault.message) for fault in error.faults]
    return []


@pytest.mark.parametrize(
    "text",
    [
        "{steps.find.result.a b}",
        "{steps.find.result.metadata.🚀}",
        "{steps.find.result[größe]}",
        '{steps.find.result["open]}',
        '{steps.find.result["\\x"]}',
        "{ topic }",
        "about { topic.name } now",
        "{topic.}",
        "{item .x}",
        "{steps}",
        "{steps.find}",
    ],
)
def test_malformed_reference_is_an_error(text):
    [(step, field, message)] = _faults({"a": {"b": [text]}}, map=[1])
    assert (step, field) == ("use", "arguments.a.b.0")
    assert "{" in message


@pytest.mark.parametrize(
    "text",
    [
        '{"topic": 1}',
        "{}",
        "{topic's}",
        "{{ topic }}",
        "{{topic}}",
        "{the topic}",
        "{steps to take}",
        "a { b",
        "{größe}",
    ],
)
def test_other_braces_are_literal(text):
    assert _faults({"a": text}) == []


def test_odd_keys_in_conditions():
    assert _faults({}, when={"steps.find.result['two words']": {"$eq": "{topic['x y']}"}}) == []
    [(_, field, _)] = _faults({}, when={"steps.find.result": {"$eq": "{topic.x y}"}})
    assert field == "when.steps.find.result.$eq"
