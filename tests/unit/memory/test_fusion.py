from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory.search.fusion import fuse, scale_from_floor

A, B, C = (UUID(int=number) for number in (1, 2, 3))
scores = st.dictionaries(st.uuids(), st.floats(-1, 100), max_size=20)


def test_the_union_is_scored():
    ranked = fuse({"x": {A: 1.0}, "y": {B: 2.0}}, {"x": {A: 1.0}, "y": {B: 0.5}}, {"x": 0.5, "y": 0.5})
    assert [entry.id for entry in ranked] == [A, B]
    assert ranked[1].score == pytest.approx(0.25)


def test_two_arms_together_beat_one_alone():
    shares = {"x": {A: 1.0, B: 0.7}, "y": {B: 0.7, C: 1.0}}
    assert fuse(shares, shares, {"x": 0.5, "y": 0.5})[0].id == B


def test_the_best_becomes_one_and_the_floor_zero():
    assert scale_from_floor({A: 5.0, B: 0.0, C: -1.0}, 0.0) == {A: 1.0, B: 0.0, C: 0.0}


def test_nothing_above_the_floor_is_worth_nothing():
    assert scale_from_floor({A: 0.0, B: -2.0}, 0.0) == {A: 0.0, B: 0.0}
    assert scale_from_floor({}, 0.0) == {}


@given(scores, scores)
def test_terms_sum_to_the_score_and_scores_descend(first, second):
    raw = {"x": first, "y": second}
    shares = {name: scale_from_floor(each, 0.0) for name, each in raw.items()}
    ranked = fuse(raw, shares, {"x": 0.5, "y": 0.5})
    assert {entry.id for entry in ranked} == set(first) | set(second)
    assert all(
        entry.score == pytest.approx(sum(term.value for term in entry.terms), abs=1e-6) for entry in ranked
    )
    assert [entry.score for entry in ranked] == sorted((entry.score for entry in ranked), reverse=True)
    assert all(0 <= term.share <= 1 for entry in ranked for term in entry.terms)


@given(scores)
def test_scaling_keeps_the_order(given_scores):
    shares = scale_from_floor(given_scores, 0.0)
    pairs = [(given_scores[key], shares[key]) for key in given_scores]
    assert all(b1 <= b2 for a1, b1 in pairs for a2, b2 in pairs if a1 < a2)
