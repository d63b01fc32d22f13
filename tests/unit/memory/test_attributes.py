from decimal import Decimal

from memory.attributes import LONG, attributes_of, scalar_of, text_mark


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
