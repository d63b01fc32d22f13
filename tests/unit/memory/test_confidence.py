"""The confidence of a search, and its abstention."""

from dataclasses import replace
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory.search.confidence import (
    LARGEST,
    METHOD,
    SMALLEST,
    Evidence,
    confidence_of,
    doubt_of,
    evidence_of,
    mean_confidence,
)
from memory.search.types import AbstainReason, Ranked

SHARES = st.floats(0, 1)
STRONG = Evidence(0.6, 0.7, 500)
WEAK = Evidence(0.25, 0.15, 500)


def ranked(*scores):
    return [Ranked(uuid4().bytes, score, ()) for score in scores]


def test_nothing_found_is_no_confidence():
    assert confidence_of([], WEAK) is None
    assert mean_confidence([None, None]) is None
    assert mean_confidence([0.2, None, 0.4]) == pytest.approx(0.3)


@given(
    SHARES,
    SHARES,
    st.none() | SHARES,
    st.none() | SHARES,
    st.integers(0, 10_000_000),
)
def test_it_is_a_probability(first, second, meaning, words, size):
    value = confidence_of(ranked(first, second), Evidence(meaning, words, size))
    assert 0 <= value <= 1
    assert len(METHOD) <= 100


@pytest.mark.parametrize("evidence", [STRONG, replace(STRONG, words=None), replace(STRONG, meaning=None)])
def test_it_grows_with_the_margin_and_with_the_evidence(evidence):
    values = [confidence_of(ranked(0.8, second), evidence) for second in (0.8, 0.7, 0.5, 0.1)]
    assert values == sorted(values)
    less = replace(
        evidence,
        meaning=None if evidence.meaning is None else 0.2,
        words=None if evidence.words is None else 0.1,
    )
    assert confidence_of(ranked(0.8, 0.5), less) < values[2]


def test_a_single_candidate_has_the_full_margin():
    assert confidence_of(ranked(0.5), STRONG) == confidence_of(ranked(0.5, 0.0), STRONG)


def test_the_more_memories_the_more_evidence_is_asked_for():
    middling = Evidence(0.3, 0.2, SMALLEST)
    assert doubt_of(middling) is None
    assert doubt_of(replace(middling, size=LARGEST)) is AbstainReason.WEAK_EVIDENCE
    assert doubt_of(replace(middling, size=0)) is None
    assert confidence_of(ranked(0.5, 0.4), replace(middling, size=LARGEST)) == confidence_of(
        ranked(0.5, 0.4), replace(middling, size=10 * LARGEST)
    )


@pytest.mark.parametrize("missing", ["meaning", "words"])
def test_weak_evidence_abstains_by_the_arms_that_took_part(missing):
    assert doubt_of(STRONG) is None
    assert doubt_of(WEAK) is AbstainReason.WEAK_EVIDENCE
    assert doubt_of(replace(STRONG, **{missing: None})) is None
    assert doubt_of(replace(WEAK, **{missing: None})) is AbstainReason.WEAK_EVIDENCE


def test_words_decide_in_a_language_that_the_model_was_not_made_for():
    near = Evidence(0.7, 0.05, 500, is_foreign=True)
    assert doubt_of(replace(near, is_foreign=False)) is None
    assert doubt_of(near) is AbstainReason.WEAK_EVIDENCE
    assert doubt_of(replace(near, words=0.6)) is None
    assert doubt_of(replace(near, words=None)) is None
    assert confidence_of(ranked(0.5, 0.4), near) == confidence_of(
        ranked(0.5, 0.4), replace(near, meaning=0.1)
    )


def test_a_query_that_asks_nothing_is_not_answered_unless_by_another_arm():
    asked = replace(STRONG, asks_nothing=True)
    assert doubt_of(asked) is AbstainReason.NOTHING_ASKED
    assert confidence_of(ranked(0.9), asked) <= 0.1
    assert doubt_of(replace(asked, beyond=True)) is None


def test_words_alone_that_match_nothing_abstain_at_any_size():
    assert doubt_of(Evidence(None, 0.0, 1)) is AbstainReason.WEAK_EVIDENCE


def test_a_code_that_no_candidate_contains_abstains():
    assert doubt_of(replace(STRONG, misses_codes=True)) is AbstainReason.CODE_NOT_FOUND


def test_beyond_are_not_doubted():
    assert doubt_of(replace(WEAK, beyond=True)) is None
    assert doubt_of(Evidence(None, None, 500)) is None


def test_evidence_is_the_best_share_of_each_arm():
    a, b = b"a" * 16, b"b" * 16
    shares = {"meaning": {a: 0.2, b: 0.4}, "words": {a: 0.1}}
    assert evidence_of(shares, size=7, misses_codes=False) == Evidence(0.4, 0.1, 7)
    assert evidence_of(shares, size=7, misses_codes=False, named=0.5).words == 0.5
    assert evidence_of({"meaning": {}}, size=7, misses_codes=True) == Evidence(0.0, None, 7, False, True)
    assert evidence_of({"conceptual": {a: 1.0}}, size=7, misses_codes=False).beyond
    assert evidence_of({"meaning": {}}, size=7, misses_codes=False, is_dated=True).beyond
