"""Poles order words and sentences as people would: twelve dimensions with the real model."""

import numpy as np
import pytest

from liftos.kernel.embedding import EmbeddingManager, MiniLmEmbedder
from spaces.geometry.agreement import spearman
from spaces.geometry.projection import describe, pole_axis
from spaces.placement.background import background
from tests.factories.orders import read_orders

ORDERS = read_orders()
# (poles of lists, the first text of each alone, the outermost tiers' first texts as poles: what example memories would be)
KINDS = ("lists", "single", "examples")


@pytest.fixture(scope="module")
def model():
    return EmbeddingManager(cache_size=2_000, embedder=MiniLmEmbedder())


def poles_of(order, kind):
    if kind == "lists":
        return order.low, order.high
    if kind == "single":
        return order.low[:1], order.high[:1]
    return order.texts[:1], order.texts[-1:]


def measure(model, order, kind, *, own):
    """Return the rank correlation by the plain difference of the poles, and by the axis."""
    texts = np.asarray(model.embed_many(order.texts), np.float64)
    low, high = (np.asarray(model.embed_many(each), np.float64) for each in poles_of(order, kind))
    prior = background(model)
    axis = pole_axis(low, high, describe(texts, prior) if own else prior)
    plain = texts @ (high.mean(axis=0) - low.mean(axis=0))
    return spearman(plain, np.array(order.tiers)), spearman(axis.values(texts), np.array(order.tiers))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("order", ORDERS, ids=[each.name for each in ORDERS])
def test_without_own_texts_the_axis_is_the_plain_difference(model, order, kind):
    plain, found = measure(model, order, kind, own=False)
    assert found == pytest.approx(plain, abs=0.005)


@pytest.mark.parametrize("kind", KINDS)
def test_own_texts_improve_the_order_on_average_and_never_hurt_much(model, kind):
    pairs = np.array([measure(model, order, kind, own=True) for order in ORDERS])
    assert pairs[:, 1].mean() > pairs[:, 0].mean()
    assert (pairs[:, 1] - pairs[:, 0]).min() > -0.12
