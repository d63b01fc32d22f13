"""Laws of conceptual spaces, for any points and weights."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from spaces.geometry.metric import (
    Metric,
    Region,
    betweenness,
    clusters,
    distance,
    distances,
    learn_region,
    membership,
    nearest,
    similarities,
    typicality,
)

SIZE = 4
unit = st.floats(0, 1, allow_nan=False, width=32)
points = st.lists(unit, min_size=SIZE, max_size=SIZE).map(np.asarray)
weights = st.lists(st.floats(0.015625, 10, width=32), min_size=SIZE, max_size=SIZE)
domains = st.lists(st.integers(0, 2), min_size=SIZE, max_size=SIZE)
metrics = st.builds(
    lambda weight, domain, circular: Metric.of(weight, domains=domain, circular=circular),
    weights, domains, st.lists(st.booleans(), min_size=SIZE, max_size=SIZE),
)  # fmt: skip
NEAR = 1e-6


@given(points, points, metrics)
def test_a_distance_is_symmetric_and_between_0_and_1(first, second, metric):
    there, back = distance(first, second, metric), distance(second, first, metric)
    assert there == pytest.approx(back, abs=NEAR)
    assert 0 <= there <= 1


@given(points, metrics)
def test_a_distance_to_oneself_is_0(point, metric):
    assert distance(point, point, metric) == 0


@given(points, points, weights, domains)
def test_a_distance_of_0_means_the_same_place(first, second, weight, domain):
    assume(np.abs(first - second).max() > 1e-3)
    assert distance(first, second, Metric.of(weight, domains=domain)) > 0


@given(points, points, points, metrics)
def test_triangle_inequality(first, second, third, metric):
    direct = distance(first, third, metric)
    assert direct <= distance(first, second, metric) + distance(second, third, metric) + NEAR


@given(points, points, metrics, st.floats(0.01, 100))
def test_only_the_proportions_of_weights_matter(first, second, metric, factor):
    scaled = Metric.of(metric.weights * factor, domains=metric.domains, circular=metric.circular)
    assert distance(first, second, scaled) == pytest.approx(distance(first, second, metric), abs=NEAR)


@given(points, points, metrics, st.permutations(range(SIZE)))
def test_the_order_of_dimensions_does_not_matter(first, second, metric, order):
    order = list(order)
    turned = Metric.of(metric.weights[order], domains=metric.domains[order], circular=metric.circular[order])
    assert distance(first[order], second[order], turned) == pytest.approx(
        distance(first, second, metric), abs=NEAR
    )


@given(points, points, metrics, st.integers(0, SIZE - 1), unit)
def test_similarity_decreases_with_distance(first, second, metric, place, share):
    assume(not metric.circular[place])
    nearer = second.copy()
    nearer[place] = first[place] + share * (second[place] - first[place])
    near, far = similarities(np.stack([nearer, second]), first, metric)[0]
    assert near >= far - NEAR


def test_inside_a_domain_distances_are_euclidean_across_domains_they_add():
    first, second = np.zeros(2), np.array([0.6, 0.8])
    together = distance(first, second, Metric.of([1, 1], domains=[0, 0]))
    apart = distance(first, second, Metric.of([1, 1], domains=[0, 1]))
    assert together == pytest.approx(1 / np.sqrt(2))
    assert apart == pytest.approx(0.7)


def test_unknown_coordinates_are_ignored_and_lower_coverage():
    metric = Metric.of([3, 1])
    apart, covered = distances(
        np.array([[0.5, np.nan], [np.nan, np.nan], [0.5, 0.5]]), np.array([1.0, 0.5]), metric
    )
    assert apart[0] == pytest.approx(0.5)
    assert np.isnan(apart[1])
    assert apart[2] == pytest.approx(0.375)
    assert covered.tolist() == [0.75, 0.0, 1.0]


def test_circular_distance_wraps_around():
    metric = Metric.of([1], circular=[True])
    assert distance(np.array([0.95]), np.array([0.05]), metric) == pytest.approx(0.2)
    assert distance(np.array([0.25]), np.array([0.75]), metric) == pytest.approx(1.0)


@given(points, points, metrics, unit)
def test_points_on_the_segment_are_between(first, second, metric, share):
    assume(not metric.circular.any())
    middle = first + share * (second - first)
    assert (
        betweenness(middle, first, second, metric) == pytest.approx(1, abs=1e-4)
        or distance(first, second, metric) < 1e-3
    )


@given(points, points, points, metrics)
def test_betweenness_is_a_share(point, first, second, metric):
    assert 0 <= betweenness(point, first, second, metric) <= 1


@given(points, metrics, st.floats(0.05, 0.9))
def test_prototype_has_maximal_typicality_and_membership(prototype, metric, radius):
    region = Region(prototype, np.ones(SIZE), radius)
    around = np.vstack([prototype, np.random.default_rng(1).random((20, SIZE))])
    for figures in (typicality(around, region, metric), membership(around, region, metric)):
        assert figures[0] == figures.max()
        assert ((figures >= 0) & (figures <= 1)).all()


def test_membership_is_half_at_the_radius():
    region = Region(np.array([0.5]), np.ones(1), 0.2)
    inside, edge, outside = membership(np.array([[0.5], [0.7], [1.0]]), region, Metric.of([1]))
    assert edge == pytest.approx(0.5)
    assert inside > 0.9
    assert outside < 0.1


def test_nearest_concept_is_returned_without_unrelated_ones():
    regions = [
        Region(np.array([0.0, np.nan]), np.ones(2), 0.2),
        Region(np.array([1.0, np.nan]), np.ones(2), 0.2),
        Region(np.array([np.nan, 0.5]), np.ones(2), 0.2),
        Region(np.array([np.nan, np.nan]), np.ones(2), 0.2),
    ]
    found = nearest(np.array([0.9, np.nan]), regions, Metric.of([1, 1]))
    assert [number for number, _ in found] == [1, 0]


def test_concept_learns_weights_from_examples():
    draw = np.random.default_rng(2)
    examples = np.column_stack([np.full(30, 0.8) + draw.normal(0, 0.01, 30), draw.random(30)])
    region = learn_region(examples, Metric.of([1, 1]))
    assert region.prototype[0] == pytest.approx(0.8, abs=0.02)
    assert region.weights[0] > 2 * region.weights[1]
    belongs = membership(np.array([[0.8, 0.5], [0.1, 0.5]]), region, Metric.of([1, 1]))
    assert belongs[0] > 0.5 > belongs[1]


def test_examples_round_midnight_have_their_mean_at_midnight():
    region = learn_region(np.array([[0.95], [0.05]]), Metric.of([1], circular=[True]))
    assert region.prototype[0] == pytest.approx(0.0, abs=1e-9) or region.prototype[0] == pytest.approx(1.0)


def test_learning_without_examples_is_refused():
    with pytest.raises(ValueError, match="no example has a coordinate"):
        learn_region(np.full((3, 2), np.nan), Metric.of([1, 1]))


def test_clusters_group_neighbours_deterministically():
    draw = np.random.default_rng(3)
    centres = np.array([[0.1, 0.1], [0.9, 0.1], [0.5, 0.9]])
    truth = np.repeat(np.arange(3), 40)
    cloud = centres[truth] + draw.normal(0, 0.03, (120, 2))
    groups, _ = clusters(cloud, Metric.of([1, 1]), 3)
    again, _ = clusters(cloud, Metric.of([1, 1]), 3)
    assert (groups == again).all()
    assert all(len(set(groups[truth == number])) == 1 for number in range(3))
    assert len(set(groups)) == 3


def test_unplaced_memories_are_in_no_cluster():
    groups, centres = clusters(np.array([[np.nan], [0.5], [0.5]]), Metric.of([1]), 2)
    assert groups.tolist() == [-1, 0, 0]
    assert len(centres) == 1


@pytest.mark.parametrize("bad", [[], [0, 0], [-1, 2], [float("nan"), 1], [float("inf"), 1]])
def test_zero_weights_are_refused(bad):
    with pytest.raises(ValueError, match="weights"):
        Metric.of(bad)
