from time import monotonic
from uuid import uuid4

import pytest

from liftos.kernel.functions import (
    Call,
    FunctionNotFound,
    find_function,
    get_function,
    known_keys,
    register,
    unregister,
)
from liftos.kernel.http.parsing import InvalidRequest
from liftos.kernel.tenancy.types import SYSTEM, Principal, Scope

PRINCIPAL = Principal(uuid4(), "acme", SYSTEM, frozenset(Scope))


@pytest.fixture(autouse=True)
def clean():
    yield
    unregister("test.f")


def call(function, arguments, **more):
    made = Call(PRINCIPAL, "k", monotonic() + 10, **more)
    return function.call(made, function.parse(arguments))


def test_a_bound_method_runs_under_the_name_it_was_given():
    class Counter:
        def __init__(self, base: int) -> None:
            self.base = base

        def plus(self, number: int) -> int:
            """Add."""
            return self.base + number

    register("test.f")(Counter(40).plus)
    function = get_function("test.f")
    assert call(function, {"number": 2}) == 42
    assert (function.description, function.key) == ("Add.", "test.f@1")


def test_arguments_keep_their_types_and_have_defaults():
    @register("test.f")
    def f(limit: int, query: str = "all"):
        return [limit, query]

    assert call(get_function("test.f"), {"limit": 10}) == [10, "all"]


@pytest.mark.parametrize(
    ("arguments", "loc"),
    [
        ({}, ["arguments", "limit"]),
        ({"limit": "x"}, ["arguments", "limit"]),
        ({"limit": 1, "other": 2}, ["arguments", "other"]),
    ],
)
def test_a_wrong_argument_is_named(arguments, loc):
    @register("test.f")
    def f(limit: int):
        return limit

    with pytest.raises(InvalidRequest) as raised:
        call(get_function("test.f"), arguments)
    assert [item["loc"] for item in raised.value.items] == [loc]


def test_context_is_passed_only_if_declared():
    @register("test.f")
    def f(context):
        return context

    @register("test.f", version=2)
    def g(**arguments):
        return arguments

    assert call(get_function("test.f", 1), {}, context={"owner": "ops"}) == {"owner": "ops"}
    assert call(get_function("test.f", 2), {}, context={"owner": "ops"}) == {}


def test_call_is_passed_if_declared():
    @register("test.f")
    def f(call: Call):
        return str(call.organisation)

    assert call(get_function("test.f"), {}) == str(PRINCIPAL.organisation)


def test_versions_live_side_by_side():
    register("test.f", version=1)(lambda: "old")
    register("test.f", version=2)(lambda: "new")
    assert call(get_function("test.f"), {}) == "new"
    assert call(get_function("test.f", 1), {}) == call(get_function("test.f@1"), {}) == "old"
    assert {"test.f@1", "test.f@2"} <= set(known_keys())
    unregister("test.f", 2)
    assert call(get_function("test.f"), {}) == "old"


@pytest.mark.parametrize("name", ["test.f", "test.f@1", "test.f@x", "test.f@", "test.f@²"])
def test_an_unknown_function_is_named(name):
    assert find_function(name) is None
    with pytest.raises(FunctionNotFound, match=r"test\.f"):
        get_function(name)


def test_versions_start_at_one():
    with pytest.raises(ValueError, match="at least 1"):
        register("test.f", version=0)


def test_registered_functions_of_the_apps():
    offered = {
        "memory.store@1", "memory.store_many@1", "memory.search@1", "memory.search_many@1", "memory.supersede@1",
        "memory.erase@1", "decisions.record@1", "enhanced_search@1",
    }  # fmt: skip
    assert offered <= set(known_keys())
    assert get_function("memory.search").cacheable
    assert not get_function("memory.store").cacheable
