"""Rejected values inside longer texts."""

from collections import defaultdict
from time import perf_counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory.analysis.values import normal_forms, unmarked_forms
from memory.analysis.windows import MOST_WORDS, Hasher, find_inside, traces

HASHER = Hasher(b"sixteen bytes!!!", 0x9E3779B97F4A7C15)
VALUE = "The price of Holiday Inn is 10 euros"


def by_shape(found):
    """Return the anchors of traces, as input for a search."""
    shapes = defaultdict(list)
    for each in found:
        shapes[each.shape].append(each.anchor)
    return shapes


def held(value, text):
    """Return whether a value is found inside a text."""
    known = set(unmarked_forms(value))
    wanted = by_shape(traces(unmarked_forms(value), HASHER).values())
    return any(part in known for _, part in find_inside(normal_forms(text), wanted, HASHER))


@pytest.mark.parametrize(
    "text",
    [
        "He says: {}", "{}, he says.", "He says that {}; she does not.", "He says \"{}\" today", "Yes (see {}).", "Yes ({}: see there)", "One. {}. Two.",
        "One.{}.Two", "# Hotels\n\n- one\n- **{}**\n- three", "> {}\n\nWhat he says", "<p>So: <b>{}</b></p>", '{{"note":"{}","n":1}}', "[{}](https://inn.example/10)",
        "As of 2024, {} - or so", "It is known\u2014{}\u2014to all", "\u201eSo\u201c, \u00ab{}\u00bb", "it\u2019s true: \u2018{}\u2019", "Wait\u2026{}\u2026 really", "{}!!! Yes", "1) No 2) {} 3) No",
        "| a | {} | b |", "The price of {} and more", "The price of The price of Holiday Inn {}", "`{}` is code", "_{}_ is said", "a;{};b", "one\u00a0\u200b{}\u2003two", "({}", "{}) he said",
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    "written",
    [VALUE, VALUE.upper(), VALUE.replace(" ", "\n  "), "The\u200b Pri\u00adce of Holi\ufeffday Inn is 10 euros", "\uff34\uff48\uff45 price of Holiday Inn is \uff11\uff10 euros",
     "\u0422h\u0435 \u0420ri\u0441\u0435 \u043ef \u041d\u043elid\u0430\u0443 Inn is 10 euros", "The price of Ho1iday Inn is 1O euros"],
)  # fmt: skip
def test_value_is_found_inside_text_in_any_spelling(text, written):
    assert held(VALUE, text.format(written))
    assert held(f"- \u201c{VALUE}.\u201d", text.format(written))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (VALUE, "The price of Holiday Inn is 11 euros, he says"),
        (VALUE, "The price of the Holiday Inn is 10 euros"),
        (VALUE, "The price of Holiday Inn is 10 eurosatz"),
        (VALUE, "Is it true? The price of Holiday Inn is 10 euros? No"),
        (VALUE, "price of Holiday Inn is 10 euros, and more"),
        ("5 euros", "it costs 10.5 euros"),
        ("5 euros", "it costs -5 euros"),
        ("5 euros", "it costs > 5 euros".replace("> ", ">")),
        ("it costs 10", "it costs 10.5"),
        ("it costs 10", "it costs 10% more"),
        ("it costs 10", "it costs 10,000"),
        ("it costs 10", "today it costs 10\u20ac"),
        ("I like C", "and I like C# too"),
        ("C is old", "but C# is old"),
        ("NET is old", "but .NET is old"),
        ("A. Smith is CEO", "now B. Smith is CEO"),
        ("like Inn", "I like Inn-Viertel"),
        ("holiday was good", "my non-holiday was good"),
        ("\u732b\u304c\u597d\u304d", "\u732b\u304c\u5acc\u3044"),
    ],
)
def test_different_value_is_not_found(value, text):
    assert held(value, value)
    assert not held(value, text)


@pytest.mark.parametrize(
    ("value", "text", "found"),
    [
        ("yes", "yes, so it is", False),
        ("Holiday", "my Holiday was good", False),
        ("2024", "it was in 2024", False),
        ("it is", "so it is, I say", False),
        ("not a", "not a problem", False),
        ("\u732b", "\u732b\u304c\u597d\u304d", False),
        ("B4711", "the order B4711 is late", True),
        ("Wintergarten", "the Wintergarten is open", True),
        ("INV-2024", "see INV-2024 there", True),
        ("Holiday Inn", "the Holiday Inn is open", True),
        ("-5 degrees", "it was -5 degrees then", True),
        (".NET is old", "they say .NET is old, and", True),
        ("\u732b\u304c\u597d\u304d\u3067\u3059", "\u79c1\u306f\u732b\u304c\u597d\u304d\u3067\u3059\u3068\u8a00\u3063\u305f", True),
        ("\u0939\u093f\u0928\u094d\u0926\u0940 \u0905\u091a\u094d\u091b\u0940 \u0939\u0948", "\u0935\u0939 \u0939\u093f\u0928\u094d\u0926\u0940 \u0905\u091a\u094d\u091b\u0940 \u0939\u0948, \u0939\u093e\u0901", True),
    ],
)  # fmt: skip
def test_common_words_are_not_searched(value, text, found):
    assert held(value, text) is found


WORD = st.text("abcde1\u00e4\u0394\u732b", min_size=1, max_size=4)


@given(st.lists(WORD, min_size=2, max_size=40), st.lists(WORD, max_size=40), st.lists(WORD, max_size=40))
def test_a_value_of_words_is_found_between_any_others(value, before, after):
    text = " ".join([*before, "|", *value, "|", *after])
    assert held(" ".join(value), text) is bool(traces(unmarked_forms(" ".join(value)), HASHER))


@given(st.lists(WORD, min_size=2, max_size=30), st.lists(st.lists(WORD, min_size=1, max_size=6), max_size=6))
def test_matches_are_in_the_text(words, values):
    text = " ".join(words)
    for value in map(" ".join, values):
        assert not held(value, text) or value.casefold() in text.casefold()


def test_the_longest_value_is_found_and_a_longer_one_not():
    words = [f"word{number}" for number in range(MOST_WORDS + 1)]
    for count, found in ((1, False), (7, True), (MOST_WORDS, True), (MOST_WORDS + 1, False)):
        value = " ".join(words[:count])
        assert held(value, f"before {value} after") is (found or count == 1)


def test_traces_differ_per_organisation():
    [form, *_] = unmarked_forms(VALUE)
    other = traces([form], Hasher(b"sixteen others!!", HASHER.base))[form]
    assert other.anchor != traces([form], HASHER)[form].anchor
    assert not list(find_inside(normal_forms(f"So: {VALUE}"), by_shape([other]), HASHER))


@pytest.mark.parametrize(
    "text",
    [
        "boots " * 20_000,
        "boots\n" * 10_000 + "(" * 60_000,
        "b" * 120_000,
        "\u732b" * 40_000,
        "boots? " * 18_000,
    ],
)
def test_a_hundred_kilobytes_are_fast(text):
    values = ["boots " * count for count in (2, 3, 100, 400)] + [
        "boots " * 300 + "rain",
        "\u732b" * 300 + "\u72ac",
    ]
    wanted = by_shape(each for value in values for each in traces(unmarked_forms(value), HASHER).values())
    read = normal_forms(text)
    started = perf_counter()
    for _ in find_inside(read, wanted, HASHER):
        pass
    assert perf_counter() - started < 3
