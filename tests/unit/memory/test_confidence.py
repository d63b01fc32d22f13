"""The confidence of a search."""

from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory.search.confidence import MEAN, METHOD, confidence_of, confidence_of_many
from memory.search.types import Ranked, SearchType, Term

SHARES = st.floats(0, 1)


def ranked(score, meaning=0.6, words=2.0):
    terms = [
        Term(name, raw, 1.0, 0.5) for name, raw in (("meaning", meaning), ("words", words)) if raw is not None
    ]
    return Ranked(uuid4(), score, tuple(terms))


def test_nothing_found_is_no_confidence():
    assert confidence_of([]) == (None, "")
    assert confidence_of_many([[], []]) == (None, "")


@given(SHARES, SHARES, st.floats(-1, 1), st.floats(0, 50), st.sampled_from(list(SearchType)), SHARES)
def test_it_is_a_probability(first, second, cosine, words, search_type, coverage):
    value, method = confidence_of([ranked(first, cosine, words), ranked(second)], search_type, coverage)
    assert 0 <= value <= 1
    assert method == METHOD
    assert len(method) <= 100


@pytest.mark.parametrize("search_type", list(SearchType))
def test_it_grows_with_the_margin(search_type):
    values = [confidence_of([ranked(0.8), ranked(second)], search_type)[0] for second in (0.8, 0.7, 0.5, 0.1)]
    assert values == sorted(values)
    assert values[0] < 0.2
    assert values[-1] > 0.6


def test_missing_arm_halves_the_confidence():
    pair = [ranked(0.8), ranked(0.4)]
    assert confidence_of(pair, coverage=0.5)[0] == pytest.approx(confidence_of(pair)[0] / 2)


def test_unrelated_hit_has_low_confidence():
    far, near = ranked(0.8, meaning=0.03, words=0.0), ranked(0.8, meaning=0.5, words=0.0)
    assert confidence_of([far])[0] == pytest.approx(confidence_of([near])[0] / 10)
    assert confidence_of([ranked(0.8, meaning=0.03, words=4.0)]) == confidence_of([near])
    assert confidence_of([ranked(0.8, meaning=-0.2, words=0.0)])[0] == 0


def test_several_searches_have_their_mean():
    one, two = [ranked(0.8), ranked(0.7)], [ranked(0.8), ranked(0.1)]
    value, method = confidence_of_many([one, [], two])
    assert value == pytest.approx((confidence_of(one)[0] + confidence_of(two)[0]) / 2)
    assert method == MEAN
