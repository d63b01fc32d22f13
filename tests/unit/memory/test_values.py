"""Equality of values."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory.analysis.values import normal_forms

BASE = "The Price of Holiday Inn is 10 euros"


def same(one, other):
    return bool(set(normal_forms(one)) & set(normal_forms(other)))


@pytest.mark.parametrize(
    "written",
    [
        "the price OF holiday inn is 10 EUROS",
        "  The\tPrice\n\nof Holiday\u00a0Inn is\u200310 euros ",
        "\uff34\uff48\uff45 \uff30rice of Holiday Inn is \uff11\uff10 euros",
        "\U0001d413\U0001d421\U0001d41e Price of Holiday Inn is 10 euros",
        "The\u200b Pri\u00adce\ufe0f of\u2063 Holi\ufeffday Inn is 10 euros\U000e0041",
        "The\u3164Price\u2800of Holiday Inn is 10 euros",
        "\u0422h\u0435 \u0420ri\u0441\u0435 \u043ef \u041d\u043elid\u0430\u0443 Inn is 10 \u0435ur\u043es",
        "\u03a4he \u03a1rice of \u0397oliday \u0399nn is 10 euros",
        "The Pr\u0456ce of Holiday \u0406nn \u0456\u0455 10 euros",
        "THE \u0420RICE OF H\u041eLIDAY INN IS 10 EUROS",
        "The Price of Holiday lnn is 1O euros",
    ],
    ids=range(11),
)
def test_equivalent_spellings_are_the_same_value(written):
    assert same(BASE, written)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (BASE, "Holiday Inn costs ten euros"),
        (BASE, "The Price of Holiday Inn is 11 euros"),
        (BASE, "The Price of Holiday Inn was 10 euros"),
        ("modern", "modem"),
        ("\u00e9t\u00e9", "ete"),
        ("icecream", "ice cream"),
        ("", ""),
        ("\u200b\u2060", ""),
    ],
)
def test_another_value(one, other):
    assert not same(one, other)


def test_case_is_ignored_in_other_scripts():
    assert same("\u03bd\u03af\u03ba\u03b7", "\u039d\u038a\u039a\u0397")
    assert same("\u043c\u0438\u0440", "\u041c\u0418\u0420")
    assert same("stra\u00dfe", "STRASSE")


@given(st.text(max_size=60))
def test_white_space_is_ignored(text):
    assert normal_forms(text) == normal_forms(f"  {text}\n")
    assert not text.strip() or not text.isprintable() or not text.isascii() or same(text, text.upper())


@given(st.text(max_size=60))
def test_forms_are_few_distinct_and_never_empty(text):
    found = normal_forms(text)
    assert len(found) <= 3
    assert len(set(found)) == len(found)
    assert all(found)
