import pytest

from memory.search.filter_sql import where
from memory.search.filter_types import Condition
from memory.search.filters import MAX_CONDITIONS, MAX_VALUES, InvalidFilter, parse_filters
from memory.search.types import SearchRequest


def test_forms_of_a_filter():
    assert parse_filters({"a": 1, "b": [1, "x"], "c": {"$gte": 1, "$lt": 5}}) == (
        Condition("a", "eq", (1,)),
        Condition("b", "in", (1, "x")),
        Condition("c", "gte", (1,)),
        Condition("c", "lt", (5,)),
    )


@pytest.mark.parametrize("filters", [None, {}])
def test_no_filter(filters):
    assert parse_filters(filters) == ()
    # what is not believed is left out even so
    statement, parameters = where(SearchRequest("q"), "p.id")
    assert "memory_attribute" not in statement
    assert parameters["states"] == ["active", "contested"]


@pytest.mark.parametrize(
    ("filters", "loc"),
    [
        ({"a": {"$regex": "x"}}, ("filters", "a", "$regex")),
        ({"a": {"nested": 1}}, ("filters", "a", "nested")),
        ({"a": {}}, ("filters", "a")),
        ({"a": {"$in": 1}}, ("filters", "a", "$in")),
        ({"a": {"$eq": [1]}}, ("filters", "a", "$eq")),
        ({"a": {"$gt": None}}, ("filters", "a", "$gt")),
        ({"a": {"$lt": True}}, ("filters", "a", "$lt")),
        ({"a": {"$exists": 1}}, ("filters", "a", "$exists")),
        ({"a": [{"b": 1}]}, ("filters", "a")),
        ({"a": [0] * (MAX_VALUES + 1)}, ("filters", "a")),
        ({str(n): n for n in range(MAX_CONDITIONS + 1)}, ("filters",)),
    ],
)
def test_a_bad_filter_names_its_field(filters, loc):
    with pytest.raises(InvalidFilter) as caught:
        parse_filters(filters)
    assert caught.value.loc == loc


def test_values_are_parameters_never_text():
    request = SearchRequest("q", conditions=parse_filters({"k'; --": "v'; --"}), memory_type="t'; --")
    statement, parameters = where(request, "id")
    assert "--" not in statement
    assert {"k'; --", "t'; --"} <= {parameters["key0"], parameters["memory_type"]}
