import unicodedata
from itertools import pairwise
from time import perf_counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memory.analysis.passages import (
    FITS,
    LARGEST,
    MAX_HEADING,
    Mark,
    Passage,
    cut,
    marks_of,
    tokens_in,
)
from memory.index.embeddings import texts_of

SENTENCES = "The valve opens at four bar. It closes when the pressure falls below three bar again. "
PIECES = st.sampled_from(
    [
        "word ", "longer words here. ", "\n", "\n\n", " ", "\t", "# Heading\n", "## Sub heading\n\n", "```\n", "x" * 300, "漢字かな",
        "ภาษาไทย", "e\u0301", "👩‍🚀", "🇩🇪", "؟", "。", ".\")", "\r\n", "\u200b", "क्षि", "\ud800", "\f",
    ]
)  # fmt: skip
TEXTS = st.lists(PIECES, max_size=400).map("".join) | st.lists(PIECES, min_size=1, max_size=8).map(
    lambda some: "".join(some) * 150
)
MARKS = st.lists(
    st.builds(Mark, st.integers(-5, 5_000), st.none() | st.integers(1, 30), st.sampled_from(["", "A", "A > B"])),
    max_size=12,
)  # fmt: skip


@given(TEXTS, MARKS)
@settings(max_examples=300, deadline=None)
def test_passages_are_in_order_and_contain_all_but_white_space(text, layout):
    passages = cut(text, layout)
    assert passages
    assert all(one.end <= other.start for one, other in pairwise(passages))
    edges = [0, *(edge for each in passages for edge in (each.start, each.end)), len(text)]
    assert all(not text[one:other].strip() for one, other in zip(edges[::2], edges[1::2], strict=True))
    if len(passages) > 1:
        assert all(
            each.start < each.end and text[each.start : each.end] == text[each.start : each.end].strip()
            for each in passages
        )
        assert all(tokens_in(text[each.start : each.end]) <= LARGEST for each in passages)


@given(TEXTS, MARKS)
@settings(max_examples=300, deadline=None)
def test_the_marks_of_passages_give_the_same_passages(text, layout):
    passages = cut(text, layout)
    assert cut(text, marks_of(passages)) == passages


@given(st.text(max_size=400))
def test_a_text_that_fits_is_one_passage_with_its_bounds(text):
    assert cut(text) == [Passage(0, len(text))]


@pytest.mark.parametrize(
    "text",
    [
        "x" * 1_000_000, "漢" * 1_000_000, "\n" * 999_999 + "x", "#" * 1_000_000, "# \n" * 333_000, "e\u0301" * 500_000, "\u0301" * 1_000_000,
        "👩‍" * 300_000, '.")' * 333_000, "``` " * 250_000, "# a\n" * 250_000, " x" * 500_000, "\n \t" * 300_000, "\u200d" * 1_000_000,
    ],
)  # fmt: skip
def test_a_megabyte_of_anything_is_cut_in_linear_time(text):
    started = perf_counter()
    small = cut(text[: len(text) // 10])
    tenth = perf_counter() - started
    passages = cut(text)
    took = perf_counter() - started - tenth
    # a quadratic cut of a megabyte takes minutes
    assert took < max(5.0, 40 * tenth)
    assert len(passages) <= 10 * len(small) + 10


@pytest.mark.parametrize(
    "sentence",
    [
        "昨日の会議で価格を決めた。",
        "การประชุมเมื่อวานนี้ตัดสินเรื่องราคา",
        "មនុស្សទាំងអស់កើតមកមានសេរីភាព",
        "လူတိုင်းသည်လွတ်လပ်စွာမွေးဖွား",
    ],
)
def test_scripts_without_spaces_are_cut_too(sentence):
    text = sentence * 100
    passages = cut(text)
    assert len(passages) > 3
    assert max(each.end - each.start for each in passages) <= 7 * LARGEST // 4 + 1


def test_cuts_prefer_paragraphs_to_lines_to_sentences():
    paragraphs = [f"Paragraph {number}. " + SENTENCES * 5 for number in range(12)]
    text = "\n\n".join(each.strip() for each in paragraphs)
    starts = [text[each.start :][:11] for each in cut(text)]
    assert all(each.startswith("Paragraph ") for each in starts)
    text = SENTENCES * 60
    assert all(text[each.start : each.start + 3] in ("The", "It ") for each in cut(text))
    assert all(text[each.end - 1] == "." for each in cut(text))


def test_no_character_is_cut_from_its_marks():
    text = "👩\u200d🚀e\u0301" * 2_000
    for each in cut(text):
        first = text[each.start]
        assert not unicodedata.combining(first)
        assert first != "\u200d"
        assert text[each.end - 1] != "\u200d"


def test_passages_have_the_page_and_heading_they_begin_in():
    pages = [SENTENCES * 12 for _ in range(5)]
    text = "\n".join(pages)
    starts = [sum(len(page) + 1 for page in pages[:number]) for number in range(5)]
    layout = [Mark(start, page=number, heading=f"Part {number}") for number, start in enumerate(starts, 1)]
    passages = cut(text, layout)
    assert {each.page for each in passages} == {1, 2, 3, 4, 5}
    for each in passages:
        page = sum(start <= each.start for start in starts)
        assert (each.page, each.heading) == (page, f"Part {page}")


def test_a_page_too_short_for_a_window_goes_on_into_the_next():
    title, page = "Annual report\n", SENTENCES * 24
    passages = cut(title + page, [Mark(0, 1), Mark(len(title), 2)])
    assert passages[0].page == 1
    assert (title + page)[: passages[0].end].startswith("Annual report\nThe valve")
    assert {each.page for each in passages[1:]} == {2}


def test_markdown_headings_give_a_path():
    text = (
        f"# Manual\n\nIntro.\n\n## Valves\n\n{SENTENCES * 8}\n\n```\n# no heading\n{SENTENCES * 8}\n```\n\n### Safety\n\n{SENTENCES * 8}"
        f"\n\n## Pumps\n\n{SENTENCES * 8}"
    )
    headings = list(dict.fromkeys(each.heading for each in cut(text)))
    assert headings == ["Manual", "Manual > Valves", "Manual > Valves > Safety", "Manual > Pumps"]


def test_form_feeds_end_pages():
    text = "\f".join(f"## Part {number}\n\n{SENTENCES * 12}" for number in range(1, 5))
    assert list(dict.fromkeys((each.page, each.heading) for each in cut(text))) == [
        (number, f"Part {number}") for number in range(1, 5)
    ]


def test_a_long_heading_keeps_its_end():
    layout = [Mark(0, heading="x" * 500 + "end")]
    [first, *_] = cut(SENTENCES * 60, layout)
    assert len(first.heading) == MAX_HEADING
    assert first.heading.endswith("end")


def test_the_estimate_is_near_real_tokens():
    assert 15 <= tokens_in(SENTENCES) <= 24
    assert tokens_in("漢字") == 2
    assert tokens_in(" \n\t") == 0
    assert len(cut("a " * 700)) == 1
    assert tokens_in("abcdefg " * 100) == 200 <= FITS


def test_paragraphs_are_passages_of_their_own_and_small_ones_go_on_into_the_next():
    words = "word " * 90
    parts = [
        f"first {words}",
        "Tiny.",
        f"second {words}",
        f"third {words}",
        "short",
        "too",
        f"fourth {words}",
        f"last {words}",
    ]
    text = "\n\n".join(part.strip() for part in parts)
    found = [text[each.start : each.end] for each in cut(text)]
    assert [each.split()[0] for each in found] == ["first", "Tiny.", "third", "short", "last"]
    assert "second" in found[1]
    assert "fourth" in found[3]


@pytest.mark.parametrize(
    ("heading", "text", "expected"),
    [
        ("", "It rose.", "It rose."),
        ("Report > Sales", "It rose.", "Sales\nIt rose."),
        ("Sales", "It rose.", "Sales\nIt rose."),
        ("Report > Sales", "## Sales\n\nIt rose.", "## Sales\n\nIt rose."),
        ("Report > Sales", "Sales\n\nIt rose.", "Sales\n\nIt rose."),
    ],
)
def test_a_passage_is_embedded_below_its_heading(heading, text, expected):
    content = f"before {text} after"
    assert texts_of(content, [Passage(7, 7 + len(text), 1, heading)]) == [expected]
