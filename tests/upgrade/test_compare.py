"""Differences between two answers."""

import pytest

from tests.upgrade.compare import differences


@pytest.mark.parametrize(
    ("before", "now"),
    [
        ({"a": 1}, {"a": 1, "new": 2}),
        ([0.5, {"score": 1.0}], [0.50001, {"score": 1}]),
        ("<record-0123456789abcdef id=1>", "<record-fedcba9876543210 id=1>"),
    ],
)
def test_new_fields_rounding_and_fences_are_none(before, now):
    assert list(differences(before, now)) == []


@pytest.mark.parametrize(
    ("before", "now", "told"),
    [
        ({"a": 1}, {}, ".a: 1 is missing"),
        ({"a": [1, 2]}, {"a": [2, 1]}, ".a.0: 1 is now 2"),
        ({"a": [1]}, {"a": [1, 2]}, ".a: [1] is now [1, 2]"),
        ({"score": 0.5}, {"score": 0.501}, ".score: 0.5 is now 0.501"),
        ({"a": True}, {"a": 1}, ".a: True is now 1"),
        ({"a": None}, {"a": ""}, ".a: None is now ''"),
        ("record-0123456789abcdef: x", "record-0123456789abcdef: y", ": 'record-0123456789abcdef: x' is now"),
    ],
)
def test_anything_else_is_one_and_says_where(before, now, told):
    assert next(differences(before, now)).startswith(told)
