"""Cosines of different models count on one scale: their shares, and the confidence of a search."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liftos.kernel.embedding.bge import BgeSmallEmbedder
from liftos.kernel.embedding.types import PLAIN, Profile
from memory.search.arms.interface import Found
from memory.search.ranking import rank_by_one_arm
from memory.search.signals import Signals

NARROW = Profile(unrelated=0.7, related=0.8)
COSINES = st.floats(-1, 1)


@given(COSINES)
def test_the_plain_share_is_the_cosine(cosine):
    assert PLAIN.share(cosine) == pytest.approx(max(0.0, cosine))


@given(st.sampled_from([PLAIN, NARROW, BgeSmallEmbedder.profile, Profile(related=1.0)]), COSINES, COSINES)
def test_shares_grow_with_the_cosine(profile, one, other):
    low, high = sorted((one, other))

    assert 0 <= profile.share(low) <= profile.share(high) <= 1


@pytest.mark.parametrize("profile", [PLAIN, NARROW, BgeSmallEmbedder.profile])
def test_unrelated_and_related_texts_have_the_same_share_under_every_model(profile):
    assert profile.share(profile.unrelated) == 0
    assert profile.share(profile.related) == pytest.approx(0.3)
    assert profile.share(1.0) == pytest.approx(1)


def test_found_uses_the_scale_of_its_model():
    one, other = b"1" * 16, b"2" * 16

    assert Found({one: 0.9, other: 0.7}, share_of=NARROW.share).shares(
        {one: 0.9, other: 0.7}, [one, other]
    ) == {
        one: pytest.approx(0.65),
        other: 0.0,
    }


def test_hits_below_the_scale_keep_their_order():
    keys = [bytes([number]) * 16 for number in (1, 2, 3)]
    raw = dict(zip(keys, (0.1, 0.3, 0.2), strict=True))
    signals = Signals({"meaning": raw}, {"meaning": dict.fromkeys(keys, 0.0)}, {"meaning": "exact"})

    assert [each.id for each in rank_by_one_arm(signals).ranked] == [keys[1], keys[2], keys[0]]
