"""Enclosing marks of a value."""

from time import perf_counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory.analysis.marks import strip_marks
from memory.analysis.values import normal_forms, unmarked_forms

VALUE = "The price of Holiday Inn is 10 euros"


def same(one, other):
    return bool({*unmarked_forms(one), *normal_forms(one)} & {*unmarked_forms(other), *normal_forms(other)})


@pytest.mark.parametrize(
    "written",
    [
        "{}.", "{}!", "{}...", "{}\u2026", "{} .", "{};", "{}\u3002", "{}\uff01", "{}\u06d4", "\u00a1{}!", "\u2026{}",
        "\"{}\"", "\"{}.\"", "\"{}\".", "\u201c{}\u201d", "\u201e{}\u201c", "\u00ab{}\u00bb", "\u00ab\u00a0{}\u00a0\u00bb", "\u2039{}\u203a", "\u300c{}\u300d",
        "\u2018{}\u2019", "'{}'", "`{}`", "\uff02{}\uff02", "({})", "[{}]", "{{{}}}", "<{}>", "\uff08{}\uff09", "\u3010{}\u3011", "[({}.)]",
        "1. {}", "12) {}", "(3) {}", "1.2. {}", "- {}", "-  {}.", "\u2013 {}", "* {}", "+ {}", "\u2022 {}", "\u25aa {}", "\u30fb {}", "a) {}", "(b) {}", "iv) {}", "[ ] {}", "[x] {}",
        "# {}", "## {}", "**{}**", "*{}*", "__{}__", "_{}_", "~~{}~~", "**{}**.", "- **\"{}!\"**", "1. (\u201c{}.\u201d)", "\u200b\u2022\u2003{}\u2060.", "*{}.*",
    ],
)  # fmt: skip
def test_value_is_recognised_with_enclosing_marks(written):
    assert same(VALUE, written.format(VALUE))
    assert same(written.format(VALUE.upper()), VALUE)
    assert same(written.format(VALUE), f"{VALUE}!")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (VALUE, f"{VALUE}?"),
        ("5 degrees", "-5 degrees"),
        ("5 euros", "~5 euros"),
        ("5 euros", "> 5 euros"),
        ("A. Smith is CEO", "B. Smith is CEO"),
        ("Smith is CEO", "A. Smith is CEO"),
        ("(a) and (b)", "a) and (b"),
        ("C# is old", "C is old"),
        (".NET is old", "NET is old"),
        ("2024 was good", "was good"),
        ("10.5", "5"),
        ("...", "!"),
    ],
)
def test_meaningful_marks_are_kept(one, other):
    assert not same(one, other)


@pytest.mark.parametrize("text", ["...", '""', "-", "()", "**", "1.", "\u2022", "[ ]"])
def test_marks_alone_are_a_value(text):
    assert unmarked_forms(text)
    assert same(text, text)


@given(st.text(max_size=60) | st.text("(){}[]<>\"'*_~.!-1a) ", max_size=40))
def test_bare_is_idempotent_and_part_of_the_text(text):
    assert strip_marks(text) in text
    assert bool(unmarked_forms(text)) == bool(normal_forms(text))
    if len(text) < 20:
        assert strip_marks(strip_marks(text)) == strip_marks(text)


@pytest.mark.parametrize("mark", ['"', ".", "*", "-", "(", "(x)", "~~", " .", "1. "])
def test_a_megabyte_of_marks_is_fast(mark):
    text = "x" + mark * 300_000 + "x"
    started = perf_counter()
    strip_marks(text)
    strip_marks(mark * 300_000 + "x")
    assert perf_counter() - started < 2
