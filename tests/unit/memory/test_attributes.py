from decimal import Decimal

import pytest

from memory.analysis.attributes import (
    LONG,
    MAX_KEY,
    attributes_of,
    markers_of,
    scalar_of,
    text_mark,
    too_long_key,
)


def test_nested_keys_are_paths_and_lists_give_a_row_each():
    rows = set(attributes_of({"a": {"b": 1}, "tags": ["x", "y", "x"], "none": None}))
    assert rows == {
        ("a.b", None, Decimal(1)),
        ("tags", "sx", None),
        ("tags", "sy", None),
        ("none", "n", None),
    }


def test_a_number_its_text_and_a_boolean_differ():
    assert len({scalar_of(1), scalar_of("1"), scalar_of(True), scalar_of("true")}) == 4


def test_texts_keep_their_order():
    assert text_mark("2026-01-31") < text_mark("2026-02-01")


def test_a_long_text_is_found_by_equality_only():
    mark = text_mark("x" * (LONG + 1))
    assert mark == text_mark("x" * (LONG + 1))
    assert mark != text_mark("x" * (LONG + 2))
    assert not mark.startswith("s")


def test_big_and_exact_numbers_survive():
    assert scalar_of(2**63 + 1) == (None, Decimal(2**63 + 1))
    assert scalar_of(0.1) == (None, Decimal("0.1"))


def test_containers_are_marked_as_present():
    metadata = {"a": {"b": {}}, "l": [], "o": [{"c": [1]}, [2]], "s": "x", "n": None}
    assert list(markers_of(metadata)) == [(key, "o", None) for key in ("a", "a.b", "l", "o", "o.c")]


def test_a_long_text_has_its_place_among_the_others():
    text = "m" * LONG + "n"
    [(_, mark, _)] = markers_of({"t": text + "z"})
    assert text_mark("a") < text_mark("m" * LONG) < mark < text_mark("n")
    assert mark not in {text_mark("m" * count) for count in range(LONG + 2)}


def test_an_empty_key_is_a_key():
    assert list(attributes_of({"": {"a": 1}})) == [(".a", None, Decimal(1))]
    assert list(attributes_of({"": 1})) == [("", None, Decimal(1))]


@pytest.mark.parametrize(
    ("metadata", "is_long"),
    [
        ({"k" * MAX_KEY: 1}, False),
        ({"k" * (MAX_KEY + 1): 1}, True),
        ({"k" * (MAX_KEY + 1): {}}, True),
        ({"a": {"k" * (MAX_KEY - 2): 1}}, False),
        ({"a": {"k" * (MAX_KEY - 1): 1}}, True),
        ({"a": [{"b": 1}, [{"k" * MAX_KEY: []}]]}, True),
        ({}, False),
    ],
)
def test_key_length_includes_its_path(metadata, is_long):
    assert (too_long_key(metadata) is not None) == is_long
