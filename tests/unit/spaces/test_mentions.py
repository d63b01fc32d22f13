"""Dimensions named in a query, by words alone."""

import pytest

from spaces.evaluation.labelled import read_set
from spaces.query.mentions import DimensionTexts, clauses_of, mentions_in
from spaces.space_templates import MARKETING, TEMPLATES, is_built_in, known_dimension

DIMENSIONS = [DimensionTexts(each.name, each.low, each.high) for each in MARKETING.dimensions]
NAMES = [each.name for each in MARKETING.dimensions]


def said(query):
    return {
        NAMES[each.dimension]: "high" if each.is_high else "low" for each in mentions_in(query, DIMENSIONS)
    }


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("cheap but premium feel", {"price": "low", "quality": "high"}),
        ("CHEAP, shoddy", {"price": "low", "quality": "low"}),
        ("not expensive", {"price": "low"}),
        ("it isn't expensive", {"price": "low"}),
        ("high price", {"price": "high"}),
        ("low engagement and wide reach", {"engagement": "low", "reach": "high"}),
        ("broad reach without effect", {"reach": "high", "effect": "low"}),
        ("high spend", {"spend": "high"}),
        ("what do customers say about tents", {}),
        ("", {}),
        ("!?", {}),
    ],
)
def test_words_name_dimensions_and_directions(query, expected):
    assert said(query) == expected


def test_the_first_word_on_a_dimension_counts():
    assert said("cheap, or expensive")["price"] == "low"


def test_labelled_queries_are_parsed():
    _, queries = read_set("marketing")
    right = sum(said(query.text) == query.labels for query in queries)
    assert right / len(queries) > 0.9


def test_query_is_split_into_clauses():
    assert clauses_of("cheap but premium, without doubt") == ["cheap", "premium", "without doubt"]
    assert clauses_of(" , ; ") == []
    assert len(clauses_of(",".join("abcdefghij"))) == 6


def test_templates_have_poles_that_differ():
    assert next(iter(TEMPLATES)) == "marketing"
    for template in TEMPLATES.values():
        assert len({each.name for each in template.dimensions}) == len(template.dimensions)
        for each in template.dimensions:
            assert each.kind != "nothing"
            assert not set(each.low) & set(each.high)
            assert each.kind == "field" or min(len(each.low), len(each.high)) >= 4


def test_known_name_gets_the_templates_poles_in_any_spelling():
    for name in ("Price", "conversion-intent", "Conversion Intent", "brand"):
        assert known_dimension(name).has_poles
        assert known_dimension(name).name == name
    assert known_dimension("the phase of the moon").kind == "nothing"
    assert is_built_in("cheap")
    assert not is_built_in("the phase of the moon")
