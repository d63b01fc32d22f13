"""The operators and codes of queries, and phrases in texts."""

import pytest

from memory.search.phrases import contains
from memory.search.query_syntax import Query, codes_in, fold, has_code, read_query

QUERIES = {
    'find "exact phrase" here': Query("find exact phrase here", ("exact phrase",)),
    "«Déjà vu» film": Query("Déjà vu film", ("Déjà vu",)),
    "„Guten Tag“ sagen": Query("Guten Tag sagen", ("Guten Tag",)),
    "»Guten Tag« sagen": Query("Guten Tag sagen", ("Guten Tag",)),
    "“smart quotes” ok": Query("smart quotes ok", ("smart quotes",)),
    "「東京 タワー」": Query("東京 タワー", ("東京 タワー",), (), False),
    'he said "yes."': Query("he said yes.", ("yes.",)),
    'the "O\'Brien report"': Query("the O'Brien report", ("O'Brien report",)),
    '"a b" "c"': Query("a b c", ("a b", "c"), (), False),
    "budget -draft": Query("budget", (), ("draft",)),
    "-élan vital": Query("vital", (), ("élan",)),
    'budget -"old plan" new, -x.': Query("budget new,", (), ("old plan", "x")),
    "-foo": Query("", (), ("foo",), False),
    '“quoted”? -foo -"bar baz"': Query("quoted ?", ("quoted",), ("bar baz", "foo"), False),
}
PLAIN = [
    "", "-", '"', '""', '" "', '"unclosed', 'a 24" screen and a 27" one', "don't say 'hello world'", "l'équipe d'aujourd'hui",
    "e-mail", "-5 % in May", "range 2020-2024", "x - y", "--flag", "(-draft)", "well-known", "5' 10\" tall",
]  # fmt: skip


@pytest.mark.parametrize(("query", "expected"), QUERIES.items())
def test_operators_are_separated(query, expected):
    assert read_query(query) == expected


@pytest.mark.parametrize("query", PLAIN)
def test_other_marks_are_no_operators(query):
    assert read_query(query) == Query(query)


CODES = {
    "where is SKU-4431?": ("sku-4431",),
    "version 2.3.1 or v2.3.10": ("2.3.1", "2.3.10"),
    "invoice 4,711.00 and order #4711": ("4,711.00", "4711"),
    "DE-2024-118 ABC123 room 214": ("de-2024-118", "abc123", "214"),
    "on 2023-05-07, 05/07/2023 or 7.5.2023 at 10:30am": (),
    "Q3 2024, top 10, 24-hour, 2nd, 5k, 1990s, in 2023, 2020-2024": (),
}


@pytest.mark.parametrize(("query", "expected"), CODES.items())
def test_codes_are_told_from_dates_and_ordinals(query, expected):
    assert codes_in(query) == expected


@pytest.mark.parametrize(
    ("text", "code", "expected"),
    [
        ("See v2.3.1.", "2.3.1", True),
        ("see 2.3.10", "2.3.1", False),
        ("see 1.2.3.1", "2.3.1", False),
        ("(SKU-4431)", "sku-4431", True),
        ("SKU-4431/SKU-4432, SKU-1", "sku-4432", True),
        ("SKU-44310", "sku-4431", False),
        ("XSKU-4431", "sku-4431", False),
        ("SKU-4431-B", "sku-4431", False),
        ("14,711.00", "4,711.00", False),
        ("4,711.00", "711.00", False),
        ("paid 4,711.00, late", "4,711.00", True),
    ],
)
def test_a_code_is_contained_as_a_whole(text, code, expected):
    assert has_code(fold(text), code) is expected


@pytest.mark.parametrize(
    ("text", "phrase", "expected"),
    [
        ("The launch plans changed", "launch plan", True),
        ("Launch: PLAN the party", "launch plan", True),
        ("the plan to launch", "launch plan", False),
        ("launch of the plan", "launch plan", False),
        ("To be, or not to be", "not to be", True),
        ("会議は東京タワーで行う", "東京タワー", True),
        ("東京の会議はタワーで", "東京タワー", False),
        ("anything", "…", True),
        ("", "word", False),
    ],
)
def test_a_phrase_is_adjacent_words_in_order(text, phrase, expected):
    assert contains(text, phrase) is expected
