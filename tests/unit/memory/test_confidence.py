"""The confidence of a search."""

from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory.search import confidence
from memory.search.arms.meaning.arm import MeaningArm
from memory.search.arms.words.arm import WordsArm
from memory.search.confidence import MEAN, METHOD
from memory.search.types import Ranked, SearchType, Term

SHARES = st.floats(0, 1)
ARMS = [MeaningArm(), WordsArm()]


def confidence_of(ranked, *options, arms=ARMS, **named):
    return confidence.confidence_of(ranked, arms, *options, **named)


def confidence_of_many(rankings):
    return confidence.confidence_of_many(rankings, ARMS)


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


class Certain(MeaningArm):
    """An arm of another name that declares what its scores say."""

    name = "certain"

    def relatedness(self, raw):
        return raw


def test_an_arm_declares_how_surely_its_score_says_that_a_hit_is_related():
    first = Ranked(uuid4(), 0.8, (Term("meaning", 0.03, 1.0, 0.5), Term("certain", 0.5, 1.0, 0.5)))
    with_it = confidence_of([first], arms=[*ARMS, Certain()])[0]
    assert confidence_of([first])[0] == pytest.approx(with_it / 5)


def test_a_hit_that_no_arm_says_anything_of_is_trusted_by_its_margin():
    silent = Ranked(uuid4(), 0.8, (Term("conceptual", 0.0, 1.0, 1.0),))
    assert confidence_of([silent]) == confidence_of([ranked(0.8, words=2.0)])
