"""The weights of arms in a search, and the fused scores."""

import pytest

from memory.search.fusion import fuse, weigh

WEIGHTS = {"meaning": 0.6, "words": 0.4}
A, B = (bytes([number]) * 16 for number in (1, 2))


def test_arms_with_full_evidence_have_their_own_weights():
    assert weigh(WEIGHTS, {"meaning": 1.0, "words": 1.0}) == pytest.approx(WEIGHTS)


def test_an_arm_with_nothing_to_say_does_not_dilute_the_other():
    assert weigh(WEIGHTS, {"meaning": 1.0, "words": 0.0}) == {"meaning": 1.0, "words": 0.0}
    assert weigh(WEIGHTS, {"meaning": 0.0, "words": 0.01}) == {"meaning": 0.0, "words": 1.0}


def test_little_evidence_is_little_weight():
    found = weigh(WEIGHTS, {"meaning": 1.0, "words": 0.15})
    assert found["words"] == pytest.approx(0.06 / 0.66)
    assert sum(found.values()) == pytest.approx(1)


def test_without_any_evidence_the_own_weights_hold():
    assert weigh(WEIGHTS, {"meaning": 0.0, "words": 0.0}) == pytest.approx(WEIGHTS)
    assert weigh({}, {}) == {}


def test_shares_are_added_by_weight():
    fused = fuse({"meaning": {A: 0.5, B: 1.0}, "words": {A: 1.0}}, WEIGHTS)
    assert fused == {A: pytest.approx(0.7), B: pytest.approx(0.6)}
