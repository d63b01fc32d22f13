"""The comparison with the contract detects missing fields, and wrong types, values and order."""

import pytest

from tests.compat.gateway import make_token, read_token
from tests.compat.shapes import NUMBER, Envelope, differences

GOOD = {"success": True, "message": "Done", "data": {"count": 1}, "errors": None, "metadata": None}


@pytest.mark.parametrize(
    ("shape", "value"),
    [
        (str, "x"), (NUMBER, 0.5), (NUMBER, 5), (bool, True), (object, True), (frozenset({"a", "b"}), "a"),
        ({"a": int}, {"a": 1, "b": 2}), ([{"a": str}], [{"a": "x"}]), ([int], []), (None, None), ("x", "x"),
    ],
)  # fmt: skip
def test_matching_value_has_no_differences(shape, value):
    assert differences(shape, value) == []


@pytest.mark.parametrize(
    ("shape", "value", "says"),
    [
        (str, 5, "int, not str"),
        (int, True, "bool, not int"),
        (NUMBER, "5", "str, not int/float"),
        (frozenset({"a"}), "b", "not one of"),
        ({"a": {"b": int}}, {"a": {}}, "a.b is missing"),
        ({"a": int}, [], "not an object"),
        ([{"a": str}], [{"a": "x"}, {"a": None}], "[1].a is NoneType"),
        ([int], {}, "not a list"),
        (1, True, "True, not 1"),
        ("x", "y", "'y', not 'x'"),
        (None, {}, "not None"),
    ],
)
def test_a_difference_names_its_place(shape, value, says):
    [told] = differences(shape, value)
    assert says in told


@pytest.mark.parametrize(
    "other",
    [
        {"message": "Other"}, {"success": False}, {"data": {}}, {"errors": []}, {"metadata": {}}, {"extra": 1},
    ],
)  # fmt: skip
def test_envelope_checks_keys_order_and_values(other):
    envelope = Envelope("Done", {"count": 1})
    assert envelope.differences(GOOD) == []
    assert envelope.differences(GOOD | other)
    assert envelope.differences(dict(reversed(GOOD.items())))


def test_gateway_trusts_only_its_own_tokens():
    assert read_token(make_token("acme"))["org_id"] == "acme"
    assert read_token(make_token("acme", secret="another's")) is None
    assert read_token(make_token("acme", seconds=-1)) is None
    assert read_token("no token") is None
