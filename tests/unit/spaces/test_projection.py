"""Semantic projection: laws on synthetic vectors, and ordering words with the real model."""

import numpy as np
import pytest

from liftos.kernel.embedding import EmbeddingManager, MiniLmEmbedder
from spaces.geometry.agreement import auc, spearman
from spaces.geometry.projection import PolesCoincide, describe, labelled_axis, normal_cdf, pole_axis
from spaces.placement.background import background
from spaces.reports.validation import leave_one_out, measure_agreement, report_dimensions


@pytest.fixture
def texts():
    """Texts that vary in two of eight directions, more in the first."""
    draw = np.random.default_rng(4)
    return draw.normal(0, [1, 0.5, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1], (400, 8))


def test_values_rise_from_the_low_to_the_high_pole(texts):
    low, high = np.eye(8)[[0]] * -1, np.eye(8)[[0]]
    axis = pole_axis(low, high, describe(texts))
    values = axis.values(texts)
    assert ((values > 0) & (values < 1)).all()
    assert spearman(values, texts[:, 0]) > 0.99
    assert axis.values(low)[0] < 0.5 < axis.values(high)[0]
    assert values.mean() == pytest.approx(0.5, abs=0.02)


def test_swapped_poles_invert_the_axis(texts):
    low, high = texts[:3], texts[3:6]
    there, back = (pole_axis(*poles, describe(texts)) for poles in ((low, high), (high, low)))
    assert there.values(texts) == pytest.approx(1 - back.values(texts))


def test_axis_avoids_directions_without_variance(texts):
    """The poles differ mostly in the last direction, which is noise in the texts."""
    low, high = np.zeros((1, 8)), np.array([[4.0, 0, 0, 0, 0, 0, 0, 4.0]])
    axis = pole_axis(low, high, describe(texts))
    assert axis.direction[0] > 0.9


def test_identical_poles_are_refused(texts):
    with pytest.raises(PolesCoincide):
        pole_axis(texts[:2], texts[:2], describe(texts))


def test_poles_that_differ_only_where_texts_do_not_are_refused():
    flat = np.zeros((10, 2))
    flat[:, 0] = np.arange(10)
    with pytest.raises(PolesCoincide):
        pole_axis(np.array([[0.0, 0]]), np.array([[0.0, 1]]), describe(flat))


def test_labelled_examples_correct_a_wrong_axis(texts):
    background = describe(texts)
    wrong = pole_axis(np.zeros((1, 8)), np.array([[0.3, 1.0, 0, 0, 0, 0, 0, 0]]), background)
    truth = texts[:, 1] - 0.2 * texts[:, 0]
    right = labelled_axis(wrong, texts[:40], truth[:40], background)
    assert spearman(right.z_scores(texts[40:]), truth[40:]) > spearman(wrong.z_scores(texts[40:]), truth[40:])


def test_labels_may_use_any_scale(texts):
    background = describe(texts)
    axis = pole_axis(np.zeros((1, 8)), np.eye(8)[[0]], background)
    one = labelled_axis(axis, texts[:9], texts[:9, 1], background)
    other = labelled_axis(axis, texts[:9], 1000 * texts[:9, 1] - 7, background)
    assert one.direction == pytest.approx(other.direction)


@pytest.mark.parametrize("labels", [[1.0], [2.0, 2.0, 2.0]])
def test_uninformative_labels_are_refused(texts, labels):
    background = describe(texts)
    axis = pole_axis(np.zeros((1, 8)), np.eye(8)[[0]], background)
    with pytest.raises(ValueError, match="labelled"):
        labelled_axis(axis, texts[: len(labels)], np.array(labels), background)


def test_few_texts_are_supplemented_by_the_background(texts):
    prior = describe(texts)
    few = describe(np.ones((1, 8)), prior)
    assert few.count == 1
    assert few.covariance == pytest.approx(prior.covariance * 100 / 101)
    assert describe(np.empty((0, 8)), prior).covariance is prior.covariance
    with pytest.raises(ValueError, match="must not be empty"):
        describe(np.empty((0, 8)))


def test_shares_are_the_normal_distribution():
    assert normal_cdf(np.array([-1.959964, 0, 1.959964])) == pytest.approx([0.025, 0.5, 0.975], abs=1e-6)


def test_agreement_is_measured_on_unlabelled_texts(texts):
    draw = np.random.default_rng(5)
    found = measure_agreement(
        low=np.zeros((1, 8)),
        high=np.eye(8)[[0]],
        texts=texts,
        ratings=draw.random(len(texts)),
        prior=describe(texts),
        splits=20,
    )
    # ratings by chance: were the labelled ones measured, there would be agreement
    assert abs(found.labelled) < 0.15
    assert abs(found.poles) < 0.15


def test_each_example_is_left_out_in_turn(texts):
    background = describe(texts)
    axis = pole_axis(np.zeros((1, 8)), np.eye(8)[[0]], background)
    by_chance = np.random.default_rng(6).random(60)
    assert abs(spearman(leave_one_out(axis, texts[:60], by_chance, background), by_chance)) < 0.35


def test_report_warns_of_useless_dimensions():
    draw = np.random.default_rng(7)
    column = draw.random(50)
    points = np.column_stack(
        [column, column + draw.normal(0, 0.01, 50), draw.random(50), np.full(50, np.nan)]
    )
    reports = report_dimensions(
        names=["price", "cost", "reach", "mood"],
        kinds=["poles", "poles", "field", "nothing"],
        points=points,
        separations=[3.0, 0.5, None, None],
        labelled=[(points[:9, 0], points[:9, 0]), None, None, None],
    )
    price, cost, reach, mood = reports
    assert price.twin == "cost"
    assert price.spearman == pytest.approx(1)
    assert any("nearly the same as cost" in each for each in price.warnings)
    assert any("0.50 standard deviations" in each for each in cost.warnings)
    assert reach.warnings == ()
    assert mood.known == 0
    assert "useless" in mood.warnings[0]


def test_rank_correlation_and_auc_treat_ties_fairly():
    assert spearman(np.array([1, 2, 2, 3]), np.array([1, 2, 2, 3])) == pytest.approx(1)
    assert np.isnan(spearman(np.ones(3), np.arange(3)))
    assert auc(np.array([1.0, 1.0]), np.array([True, False])) == 0.5
    assert auc(np.array([1.0, 2.0]), np.array([False, True])) == 1
    assert np.isnan(auc(np.array([1.0]), np.array([True])))


def test_real_model_orders_words():
    model = EmbeddingManager(cache_size=200, embedder=MiniLmEmbedder())
    low = ["cheap", "low price", "inexpensive", "costs little"]
    high = ["expensive", "high price", "costly luxury", "costs a fortune"]
    axis = pole_axis(model.embed_many(low), model.embed_many(high), background(model))
    texts = ["affordable shoes, on sale at a discount", "a costly luxury watch", "a diamond worth a fortune"]
    discount, luxury, diamond = axis.values(model.embed_many(texts))
    assert discount < 0.5 < min(luxury, diamond)


def test_relevance_separates_related_from_unrelated_texts():
    model = EmbeddingManager(cache_size=200, embedder=MiniLmEmbedder())
    axis = pole_axis(
        model.embed_many(["cheap", "low price"]),
        model.embed_many(["expensive", "high price"]),
        background(model),
    )
    on, off = axis.relevances(model.embed_many(["the price is far too high", "the train leaves at nine"]))
    assert on > 0.5 > off


def test_relevance_is_a_share(texts):
    axis = pole_axis(texts[:2], texts[2:4], describe(texts))
    found = axis.relevances(texts)
    assert ((found >= 0) & (found <= 1)).all()
    assert found.mean() < 0.5
