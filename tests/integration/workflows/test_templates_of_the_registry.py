"""Templates over the functions that the apps really offer."""

import pytest

from liftos.kernel.functions import find_function
from workflows.definition import Faulty, bind_parameters, parse, resolve

OLD = {
    "name": "enhanced_search_workflow",
    "tasks": [
        {"name": "search_memory", "function": "enhanced_search", "priority": 2, "timeout_seconds": 30.0},
    ],
}


def one(function, **arguments):
    return {"name": "x", "steps": [{"name": "a", "function": function, "arguments": arguments}]}


def faults(payload):
    with pytest.raises(Faulty) as raised:
        parse(payload, functions=find_function)
    return [(each.step, each.field) for each in raised.value.faults]


def test_the_old_template_as_printed_needs_a_query_and_takes_all_that_a_search_takes():
    definition = parse(OLD, functions=find_function)
    assert definition.parameters["required"] == ["query"]
    bound = bind_parameters(definition, {"query": "holiday conversions", "limit": 3})
    arguments = resolve(definition.steps[0].arguments, parameters=bound, results={})
    function = find_function(definition.steps[0].function)
    request = function.parse(arguments).request()
    assert (request.query, request.limit) == ("holiday conversions", 3)
    with pytest.raises(Faulty, match=r"parameters\.limit"):
        bind_parameters(definition, {"query": "x", "limit": "3"})


def test_arguments_spelled_wrong_or_of_the_wrong_kind_are_found_at_save():
    assert faults(one("memory.search", query="x", limt=3)) == [("a", "arguments.limt")]
    assert faults(one("memory.search", query="x", limit=1_000)) == [("a", "arguments.limit")]
    assert faults(one("memory.store", content="x", tags="a")) == [("a", "arguments.tags")]
    assert faults(one("memory.store", content="x", derived_from=["no id"])) == [
        ("a", "arguments.derived_from.0")
    ]


def test_what_only_the_function_can_tell_is_found_at_save_where_all_is_known():
    both = {"content": "x", "ttl_seconds": 5, "expires_at": "2030-01-01T00:00:00Z"}
    assert faults(one("memory.store", **both)) == [("a", "arguments")]
