import pytest

from tests.unit.workflows.functions import functions
from workflows.definition import Faulty, bind_parameters, parse, resolve

OLD = {
    "name": "enhanced_search_workflow",
    "tasks": [
        {"name": "search_memory", "function": "enhanced_search", "priority": 2, "timeout_seconds": 30.0},
    ],
}


def template(**properties):
    required = [name for name, each in properties.items() if each.pop("required", False)]
    schema = {"type": "object", "properties": properties, "required": required}
    return parse(
        {"name": "x", "parameters": schema, "steps": [{"name": "a", "function": "any.thing"}]},
        functions=functions,
    )


def faults(definition, given):
    with pytest.raises(Faulty) as raised:
        bind_parameters(definition, given)
    return [(each.step, each.field) for each in raised.value.faults]


def test_types_are_kept_and_defaults_filled():
    definition = template(
        limit={"type": "integer", "default": 10},
        share={"type": "number"},
        names={"type": "array", "default": ["a"]},
        inner={"type": "object", "properties": {"deep": {"default": 1}}},
    )
    bound = bind_parameters(definition, {"share": 1, "inner": {}})
    assert bound == {"share": 1, "inner": {"deep": 1}, "limit": 10, "names": ["a"]}
    assert type(bound["share"]) is int
    bound["names"].append("b")
    assert bind_parameters(definition, None) == {"limit": 10, "names": ["a"]}


def test_every_error_is_named():
    definition = template(
        topic={"type": "string", "required": True}, limit={"type": "integer"}, on={"format": "date"}
    )
    assert faults(definition, {"limit": "10", "colour": 1, "on": "yesterday"}) == [
        (None, "parameters.colour"),
        (None, "parameters.limit"),
        (None, "parameters.on"),
        (None, "parameters.topic"),
    ]
    assert faults(definition, [1]) == [(None, "parameters")]


def test_true_is_not_a_number():
    assert faults(template(limit={"type": "integer"}), {"limit": True}) == [(None, "parameters.limit")]


def test_the_old_template_runs_with_parameters_supplied_at_run_time():
    definition = parse(OLD, functions=functions)
    bound = bind_parameters(definition, {"query": "holiday conversions", "limit": 3})
    arguments = resolve(definition.steps[0].arguments, parameters=bound, results={})
    assert arguments == {"query": "holiday conversions", "limit": 3, "search_type": "hybrid"}
    assert faults(definition, {"limit": 3}) == [(None, "parameters.query")]
