"""The deterministic embedder."""

import numpy as np
import pytest

from liftos.kernel.embedding import HashingEmbedder
from liftos.kernel.embedding.text import unit_rows

EXPECTED = [0.382686, -0.759842, 0.252841, 0.460721]  # of "word", in every release


def test_shared_words_make_texts_similar():
    red_car, red_bus, blue_sky = HashingEmbedder(dimension=256).embed(["a red car", "A red bus!", "blue sky"])

    assert red_car @ red_bus > 0.5 > abs(red_car @ blue_sky) + 0.2


def test_vectors_are_reproducible():
    vector = HashingEmbedder(dimension=4).embed(["word"])[0]

    np.testing.assert_allclose(vector, EXPECTED, atol=1e-6)


@pytest.mark.parametrize("text", ["", "!!", "\ud800", "\x00"])
def test_any_text_has_a_unit_vector(text):
    assert np.linalg.norm(HashingEmbedder(dimension=3).embed([text])[0]) == pytest.approx(1, abs=1e-6)


def test_it_counts_calls_and_texts():
    embedder = HashingEmbedder()

    embedder.embed(["a", "b"])
    embedder.embed([])
    embedder.embed(["c"])

    assert (embedder.calls, embedder.texts) == (2, 3)


def test_a_dimension_is_at_least_one():
    with pytest.raises(ValueError, match="dimension"):
        HashingEmbedder(dimension=0)


@pytest.mark.parametrize("row", [[0.0, 0.0], [np.nan, 1.0], [np.inf, 1.0]])
def test_zero_vector_is_refused(row):
    with pytest.raises(ValueError, match="zero or not finite"):
        unit_rows(np.array([row]))


def test_large_values_keep_their_direction():
    np.testing.assert_allclose(unit_rows(np.array([[3e38, 4e38]], np.float64)), [[0.6, 0.8]], atol=1e-6)
