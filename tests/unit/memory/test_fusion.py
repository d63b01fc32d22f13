from hypothesis import given
from hypothesis import strategies as st

from memory.search.fusion import scale_from_floor

A, B, C = (bytes([number]) * 16 for number in (1, 2, 3))
scores = st.dictionaries(st.uuids(), st.floats(-1, 100), max_size=20)


def test_the_best_becomes_one_and_the_floor_zero():
    assert scale_from_floor({A: 5.0, B: 0.0, C: -1.0}, 0.0) == {A: 1.0, B: 0.0, C: 0.0}


def test_nothing_above_the_floor_is_worth_nothing():
    assert scale_from_floor({A: 0.0, B: -2.0}, 0.0) == {A: 0.0, B: 0.0}
    assert scale_from_floor({}, 0.0) == {}


@given(scores)
def test_scaling_keeps_the_order(given_scores):
    shares = scale_from_floor(given_scores, 0.0)
    pairs = [(given_scores[key], shares[key]) for key in given_scores]
    assert all(b1 <= b2 for a1, b1 in pairs for a2, b2 in pairs if a1 < a2)
