"""Parsing templates, with every error reported at once."""

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.workflows.functions import functions
from workflows.definition import Definition, Faulty, Step, dump, load, parse
from workflows.definition.types import MAX_STEPS

PARAMETERS = {
    "type": "object",
    "properties": {
        "topic": {"type": "string"},
        "limit": {"type": "integer", "default": 5},
        "note": {"type": "string"},
    },
    "required": ["topic"],
}


def step(name: str, function: str = "any.thing", **more: Any) -> dict[str, Any]:
    return {"name": name, "function": function, **more}


def template(*steps: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"name": "digest", "parameters": PARAMETERS, "steps": list(steps), **more}


def faults(payload: Any) -> list[tuple[str | None, str, str]]:
    with pytest.raises(Faulty) as raised:
        parse(payload, functions=functions)
    return [(each.step, each.field, each.message) for each in raised.value.faults]


def places(payload: Any) -> list[tuple[str | None, str]]:
    return [(step, field) for step, field, _ in faults(payload)]


def test_a_template_is_read_with_its_defaults():
    payload = template(
        step("find", "memory.search", arguments={"query": "{topic}", "limit": "{limit}"}, priority=2),
        step("keep", "memory.store", arguments={"content": "On {topic}"}, depends_on=["find"], approval=True),
    )
    read = parse(payload, functions=functions)
    assert read.steps == (
        Step("find", "memory.search", arguments={"query": "{topic}", "limit": "{limit}"}, priority=2),
        Step(
            "keep", "memory.store", arguments={"content": "On {topic}"}, depends_on=("find",), approval=True
        ),
    )
    assert (read.steps[0].priority, read.steps[1].priority) == (2, 3)
    assert (read.steps[0].timeout_seconds, read.steps[0].max_retries, read.steps[0].backoff_seconds) == (
        30.0,
        3,
        0.1,
    )


def test_definition_round_trips():
    payload = template(
        step("find", "memory.search", arguments={"query": "{topic}"}, when={"limit": {"$gt": 3}}),
        step("each", map=["a", 1], arguments={"it": "{item}"}, depends_on=["find"], version=1),
    )
    read = parse(payload, functions=functions)
    assert load(dump(read)) == read
    assert parse(dump(read), functions=functions) == read


def test_all_faults_are_found_at_once_each_naming_its_step():
    payload = template(
        step("a", "memory.search", arguments={"query": 7, "limit": 101}, depends_on=["c"]),
        step("b", "no.such", depends_on=["a", "nowhere"], priority=6, timeout_seconds=0),
        step("c", depends_on=["b"], arguments={"x": "{undeclared}", "y": "{steps.d.result.z}"}),
        step("d", max_retries=11, dependson=["a"]),
        step("d"),
        step("9"),
        colour="red",
    )
    found = faults(payload)
    assert [(name, field) for name, field, _ in found] == [
        (None, "colour"),
        ("a", "depends_on"),
        ("a", "arguments.limit"),
        ("a", "arguments.query"),
        ("b", "priority"),
        ("b", "timeout_seconds"),
        ("b", "depends_on"),
        ("b", "function"),
        ("c", "arguments.x"),
        ("d", "dependson"),
        ("d", "max_retries"),
        ("d", "name"),
        ("#6", "name"),
    ]
    texts = {(name, field): message for name, field, message in found}
    assert texts["a", "depends_on"] == "It depends on itself: a → c → b → a."
    assert texts["b", "depends_on"] == "There is no step 'nowhere'."
    assert texts["b", "function"] == "There is no function 'no.such'."
    assert texts["a", "arguments.limit"] == "101 is greater than the maximum of 100."


def test_error_message_names_its_position():
    with pytest.raises(Faulty) as raised:
        parse(template(step("a", priority=0), step("b", priority=9)), functions=functions)
    assert str(raised.value) == "step a: priority: It must be a whole number from 1 to 5. (1 more)"
    assert (raised.value.status, raised.value.loc) == (422, ("a", "priority"))


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"priority": True}, "priority"),
        ({"priority": 2.0}, "priority"),
        ({"priority": 0}, "priority"),
        ({"timeout_seconds": 3601}, "timeout_seconds"),
        ({"timeout_seconds": "30"}, "timeout_seconds"),
        ({"max_retries": -1}, "max_retries"),
        ({"backoff_seconds": -0.1}, "backoff_seconds"),
        ({"map": {"a": 1}}, "map"),
        ({"map": "no reference"}, "map"),
        ({"map": [0] * 1001}, "map"),
        ({"map": [1], "map_limit": 0}, "map_limit"),
        ({"approval": 1}, "approval"),
        ({"arguments": [1]}, "arguments"),
        ({"depends_on": "a"}, "depends_on"),
        ({"depends_on": ["b", "b"]}, "depends_on"),
        ({"version": 0}, "version"),
        ({"version": 2}, "function"),
        ({"function": "any.thing@2"}, "function"),
        ({"function": ""}, "function"),
        ({"when": 3}, "when"),
        ({"when": {"limit": {"$above": 3}}}, "when.limit"),
        ({"when": {"limit": {"$in": 3}}}, "when.limit.$in"),
        ({"when": {"$any": []}}, "when.$any"),
        ({"when": {"undeclared": 1}}, "when.undeclared"),
        ({"when": {"limit": "{undeclared}"}}, "when.limit"),
        ({"when": {"$not": {"undeclared": 1}}}, "when.$not.undeclared"),
        ({"when": "{item}", "map": [1]}, "when"),
        ({"arguments": {"a": ["{item}"]}}, "arguments.a.0"),
        ({"arguments": {"a": "{steps.x}"}}, "arguments.a"),
        ({"arguments": {"a": "{steps.b.result}"}}, "arguments.a"),
        ({"arguments": {"a": "{steps.nowhere.result}"}}, "arguments.a"),
        ({"map": "{undeclared}"}, "map"),
    ],
)
def test_invalid_field_is_named(more, field):
    assert (("x", field)) in places(template(step("x", **more), step("b")))


@pytest.mark.parametrize(
    "payload",
    [
        None,
        [],
        {},
        {"name": "x"},
        {"name": "x", "steps": []},
        {"name": "x", "steps": {}},
        {"name": "x", "steps": [None]},
        {"name": "", "steps": [step("a")]},
        {"name": "a\x00", "steps": [step("a")]},
        {"name": "x" * 101, "steps": [step("a")]},
        {"name": "x", "description": 3, "steps": [step("a")]},
        {"name": "x", "steps": [step(f"s{number}") for number in range(MAX_STEPS + 1)]},
        {"name": "x", "steps": [step("a", arguments={"text": "x" * 1_000_001})]},
        {"name": "x", "steps": [step("a", arguments={"number": float("nan")})]},
        {"name": "x", "tasks": None},
        {"name": "x", "tasks": [3]},
        {"name": "x", "tasks": [{"name": "a", "function": None}]},
    ],
)
def test_invalid_template_is_refused(payload):
    assert faults(payload)


def test_deep_nesting_is_refused_before_traversal():
    deep: Any = 1
    for _ in range(100_000):
        deep = [deep]
    assert faults(template(step("a", arguments={"x": deep}))) == [
        (None, "", "It is nested deeper than 32 levels.")
    ]


@pytest.mark.parametrize(
    ("parameters", "field"),
    [
        ([], "parameters"),
        ({"topic": {"type": "string"}}, "parameters.type"),
        ({"type": "object", "properties": {"a": {"type": "strong"}}}, "parameters.properties.a.type"),
        (
            {"type": "object", "properties": {"a": {"$ref": "http://elsewhere/"}}},
            "parameters.properties.a.$ref",
        ),
        ({"type": "object", "properties": {"a": {"pattern": "(a+)+$"}}}, "parameters.properties.a.pattern"),
        (
            {"type": "object", "properties": {"a": {"items": [{"$id": "x"}]}}},
            "parameters.properties.a.items.0.$id",
        ),
        ({"type": "object", "properties": {"steps": {}}}, "parameters.properties.steps"),
        ({"type": "object", "properties": {"a b": {}}}, "parameters.properties.a b"),
        (
            {"type": "object", "properties": {"a": {"type": "integer", "default": "1"}}},
            "parameters.properties.a.default",
        ),
    ],
)
def test_invalid_parameter_schema_is_refused(parameters, field):
    assert (None, field) in places({"name": "x", "parameters": parameters, "steps": [step("a")]})


def test_a_parameter_may_have_the_name_of_a_keyword():
    schema = {"type": "object", "properties": {"pattern": {"type": "string", "default": "a*"}}}
    read = parse({"name": "x", "parameters": schema, "steps": [step("a")]}, functions=functions)
    assert read.parameters == schema


@pytest.mark.parametrize(
    ("arguments", "wrong"),
    [
        ({"query": "x"}, []),
        ({"query": "{topic}", "limit": "{limit}"}, []),
        ({"query": "about {limit}"}, []),
        ({"query": "{steps.before.result.text}", "limit": "{steps.before.result.count}"}, []),
        ({"query": "x", "filters": {"a": "{topic}"}}, []),
        ({"query": "x", "filters": "{steps.before.result}"}, []),
        ({"query": "x", "search_type": "{steps.before.result}"}, []),
        ({}, ["arguments.query"]),
        ({"query": "{limit}"}, ["arguments.query"]),
        ({"query": "{note}"}, ["arguments.query"]),
        ({"query": "x", "limit": "{topic}"}, ["arguments.limit"]),
        ({"query": "x", "limit": "no more than {limit}"}, ["arguments.limit"]),
        ({"query": "x", "limit": "10"}, ["arguments.limit"]),
        ({"query": "x", "search_type": "wild"}, ["arguments.search_type"]),
        ({"query": "x", "filters": [1]}, ["arguments.filters"]),
        ({"query": "x", "filters": "{topic}"}, ["arguments.filters"]),
        ({"query": "x", "colour": 1, "size": 2}, ["arguments.colour", "arguments.size"]),
    ],
)
def test_arguments_are_checked_as_far_as_they_are_known(arguments, wrong):
    payload = template(step("before"), step("a", "memory.search", arguments=arguments, depends_on=["before"]))
    if wrong:
        assert places(payload) == [("a", field) for field in wrong]
    else:
        assert parse(payload, functions=functions).steps[1].arguments == arguments


def test_optional_parameter_may_be_used_behind_a_condition_on_it():
    guarded = step("a", "memory.search", arguments={"query": "{note}"}, when={"note": {"$exists": True}})
    assert parse(template(guarded), functions=functions).steps[0].when == {"note": {"$exists": True}}


def test_function_name_may_include_a_version():
    read = parse(
        template(step("a", "memory.search@2", arguments={"query": "x"}), step("b")), functions=functions
    )
    assert [(each.function, each.version) for each in read.steps] == [
        ("memory.search", 2),
        ("any.thing", None),
    ]


def test_a_result_may_be_used_by_a_step_further_down():
    payload = template(
        step("a"),
        step("b", depends_on=["a"]),
        step("c", depends_on=["b"], arguments={"x": "{steps.a.result}"}),
    )
    assert parse(payload, functions=functions).steps[2].name == "c"


OLD = {
    "name": "enhanced_search_workflow",
    "tasks": [
        {"name": "search_memory", "function": "enhanced_search", "priority": 2, "timeout_seconds": 30.0},
    ],
}


def test_old_template_shape_is_accepted():
    read = parse(OLD, functions=functions)
    assert isinstance(read, Definition)
    (only,) = read.steps
    assert (only.name, only.function, only.priority, only.timeout_seconds) == (
        "search_memory", "enhanced_search", 2, 30.0,
    )  # fmt: skip
    assert only.arguments == {name: f"{{{name}}}" for name in ("query", "limit", "search_type", "filters")}
    assert read.parameters["required"] == ["query"]
    assert read.parameters["properties"]["search_type"] == {
        "type": "string", "enum": ["hybrid", "neural", "knowledge"], "default": "hybrid",
    }  # fmt: skip
    assert parse(dump(read), functions=functions) == read


def test_the_old_tasks_depend_by_name_and_declare_parameters_by_using_them():
    payload = {
        "name": "chain",
        "created_by": "somebody",
        "tasks": [
            {
                "name": "find",
                "function": "memory.search",
                "parameters": {"query": "{query}", "limit": "{limit}"},
            },
            {
                "name": "keep",
                "function": "memory.store",
                "arguments": {"content": "Found for {query} by {who}"},
                "dependencies": ["find"],
                "color": 3,
            },
        ],
    }
    read = parse(payload, functions=functions)
    assert read.steps[1].depends_on == ("find",)
    assert read.parameters["properties"] == {
        "query": {"type": "string"},
        "limit": {"type": "integer", "minimum": 1, "maximum": 100, "default": 10},
        "who": {},
    }
    assert read.parameters["required"] == ["query", "who"]


@given(st.integers(1, 12).flatmap(lambda size: st.tuples(st.just(size), st.sets(st.tuples(
    st.integers(0, size - 1), st.integers(0, size - 1))))))  # fmt: skip
def test_cycles_are_detected(drawn):
    size, edges = drawn
    needs = {number: sorted(b for a, b in edges if a == number) for number in range(size)}
    payload = {
        "name": "graph",
        "steps": [step(f"s{n}", depends_on=[f"s{each}" for each in needs[n]]) for n in range(size)],
    }
    reached = {n: set(needs[n]) for n in needs}
    for _ in range(size):
        reached = {n: reached[n] | {far for near in reached[n] for far in reached[near]} for n in reached}
    in_circles = {n for n in reached if n in reached[n]}
    try:
        parse(payload, functions=functions)
    except Faulty as faulty:
        named = [
            [int(each[1:]) for each in fault.message.removeprefix("It depends on itself: ")[:-1].split(" → ")]
            for fault in faulty.faults
        ]
        for way in named:
            assert way[0] == way[-1]
            assert all(needed in needs[name] for name, needed in pairwise(way))
        # every strongly connected part is told of once
        parts = {
            frozenset(m for m in in_circles if m == n or (m in reached[n] and n in reached[m]))
            for n in in_circles
        }
        assert sorted(map(sorted, parts)) == sorted(
            sorted(m for m in in_circles if m == way[0] or (m in reached[way[0]] and way[0] in reached[m]))
            for way in named
        )
    else:
        assert not in_circles


@given(st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(
        ["name", "tasks", "steps", "function", "arguments", "depends_on", "when", "map", "parameters", "type", "properties",
         "$any", "$not", "limit", "any.thing"]) | st.text(max_size=8), inner, max_size=5),
    max_leaves=25,
))  # fmt: skip
def test_any_input_gives_a_definition_or_errors(payload):
    try:
        read = parse(payload, functions=functions)
    except Faulty:
        return
    assert load(dump(read)) == read


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        (
            {"properties": {"topic": {}}, "required": ["topic", "tpoic"]},
            ("parameters.required", "'tpoic' is required"),
        ),
        ({"required": ["topic"]}, ("parameters.required", "not declared")),
        (
            {"properties": {"n": {"type": "integer", "default": 3}}, "required": ["n"]},
            ("parameters.required", "has a default"),
        ),
        (
            {"properties": {"n": {"type": "integer", "default": "3"}}},
            ("parameters.properties.n.default", "not of type"),
        ),
        (
            {"properties": {"o": {"type": "object", "properties": {"n": {"minimum": 2, "default": 1}}}}},
            ("parameters.properties.o.properties.n.default", "less than"),
        ),
        (
            {
                "properties": {
                    "o": {
                        "type": "object",
                        "additionalProperties": False,
                        "properties": {},
                        "required": ["x"],
                    }
                }
            },
            ("parameters.properties.o.required", "not declared"),
        ),
    ],
)
def test_contradictory_parameters_are_refused(schema, expected):
    [(step_name, field, message)] = faults(
        {"name": "t", "parameters": {"type": "object"} | schema, "steps": [step("a")]}
    )
    assert (step_name, field) == (None, expected[0])
    assert expected[1] in message


@pytest.mark.parametrize(
    "schema",
    [
        {"properties": {"a": {}}, "required": ["a", "b"], "additionalProperties": True},
        {"properties": {"o": {"type": "object", "properties": {}, "required": ["x"]}}},
    ],
)
def test_satisfiable_parameters_are_accepted(schema):
    schema = {"type": "object"} | schema
    payload = {"name": "t", "parameters": schema, "steps": [step("a")]}
    assert parse(payload, functions=functions).parameters == schema


def test_unknown_function_lists_known_ones_nearest_first():
    names = ["decisions.record", "http.request", "memory.search", "memory.store"]
    with pytest.raises(Faulty) as raised:
        parse(
            template(step("a", "memory.serch"), step("b", "memory.store", version=9)),
            functions=functions,
            names=lambda: names,
        )
    assert [(each.step, each.field, each.message) for each in raised.value.faults][:2] == [
        (
            "a",
            "function",
            "There is no function 'memory.serch'; the functions are memory.search, memory.store, decisions.record, http.request.",
        ),
        ("b", "function", "Function 'memory.store' has no version 9."),
    ]


@pytest.mark.parametrize("name", ["2nd", "a b", "größe", "", "a" * 65, "a.b", 7])
def test_step_name_error_states_the_rules(name):
    [(_, field, message)] = faults(template(step(name)))
    assert field == "name"
    assert (
        message
        == "It must be 1 to 64 letters (a to z, A to Z), digits, - and _, not starting with a digit or -."
    )
