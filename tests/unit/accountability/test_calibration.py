"""Calibration measures and curves."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from accountability.admin.reliability_diagram import draw_reliability
from accountability.calibration.measures import (
    as_arrays,
    bootstrap,
    brier_score,
    calibration_error,
    reliability,
    wilson,
)
from accountability.calibration.recalibration import Recalibration, fit_best, fit_isotonic, fit_platt

shares = st.floats(0, 1)
samples = st.lists(st.tuples(shares, st.sampled_from([0.0, 1.0])), min_size=1, max_size=60)


def arrays(pairs):
    return as_arrays([one for one, _ in pairs], [other for _, other in pairs])


def drawn(count, a, b, seed=1):
    """Confidences and outcomes, right with probability sigma(a logit(c) + b)."""
    draws = np.random.default_rng(seed)
    stated = draws.beta(3, 2, count)
    worth = 1 / (1 + np.exp(-(a * np.log(stated / (1 - stated)) + b)))
    return stated, (draws.random(count) < worth).astype(float)


def test_the_brier_score_is_the_mean_squared_distance():
    assert brier_score(*as_arrays([1, 0, 0.5], [1, 1, 0])) == pytest.approx((0 + 1 + 0.25) / 3)


def test_calibration_error_weighs_bins_by_their_size():
    stated, right = as_arrays([0.9, 0.9, 0.9, 0.9, 0.2], [1, 1, 0, 0, 0])
    assert calibration_error(stated, right) == pytest.approx((4 * 0.4 + 1 * 0.2) / 5)


@given(samples)
def test_calibration_error_matches_the_diagram(pairs):
    stated, right = arrays(pairs)
    bins = reliability(stated, right)
    assert sum(each.count for each in bins) == len(pairs)
    wanted = sum(each.count * abs(each.confidence - each.right) for each in bins) / len(pairs)
    assert calibration_error(stated, right) == pytest.approx(wanted, abs=1e-9)
    for each in bins:
        assert each.low <= each.confidence + 1e-9
        assert each.confidence <= each.high + 1e-9
        assert 0 <= each.right_low <= each.right + 1e-9
        assert each.right <= each.right_high + 1e-9 <= 1 + 2e-9


def test_a_confidence_of_one_is_in_the_last_bin():
    assert reliability(*as_arrays([1.0], [1]))[0].low == 0.9


def test_wilson_interval_matches_the_textbook():
    # Agresti and Coull 1998: 0 of 10 and 5 of 10
    assert wilson(0.0, 10) == pytest.approx((0.0, 0.2775), abs=1e-3)
    assert wilson(0.5, 10) == pytest.approx((0.2366, 0.7634), abs=1e-3)


@pytest.mark.parametrize(
    ("stated", "right"), [([], []), ([0.5], [0, 1]), ([1.5], [1]), ([0.5], [-1]), ([float("nan")], [1])]
)
def test_invalid_confidence_is_refused(stated, right):
    with pytest.raises(ValueError, match="confidences and outcomes"):
        as_arrays(stated, right)


def test_bootstrap_interval_has_its_nominal_coverage():
    held = 0
    for seed in range(60):
        stated, right = drawn(300, 1.0, 0.0, seed)
        found = bootstrap(brier_score, stated, right, rounds=200, seed=seed)
        assert found.low <= found.value <= found.high
        # of a calibrated source with these confidences: the mean of p (1 - p) = E[p] - E[p^2], beta(3, 2)
        held += found.low <= 0.6 - 0.4 <= found.high
    assert held >= 50


def test_bootstrap_is_deterministic():
    stated, right = drawn(100, 1.0, 0.0)
    assert bootstrap(brier_score, stated, right) == bootstrap(brier_score, stated, right)


@pytest.mark.parametrize(("a", "b"), [(1.0, 0.0), (0.5, -0.7), (1.5, 0.4)])
def test_platt_recovers_the_true_parameters(a, b):
    found = fit_platt(*drawn(20_000, a, b)).parameters
    assert found["a"][0] == pytest.approx(a, abs=0.08)
    assert found["b"][0] == pytest.approx(b, abs=0.06)


def test_isotonic_pools_decreasing_values():
    curve = fit_isotonic(*as_arrays([0.1, 0.2, 0.3, 0.4], [0, 1, 0, 1]))
    # 0.2 and 0.3 fall, so they are one: a half; the ends are drawn towards a half
    assert curve.parameters["x"] == pytest.approx([0.1, 0.25, 0.4])
    assert curve.parameters["y"] == pytest.approx([0.25, 0.5, 0.75])


@given(samples)
def test_every_curve_is_monotonic_and_within_0_and_1(pairs):
    stated, right = arrays(pairs)
    asked = np.linspace(0, 1, 50)
    for fit in (fit_platt, fit_isotonic):
        worth = fit(stated, right).apply(asked)
        assert np.all(np.isfinite(worth))
        assert np.all((worth >= 0) & (worth <= 1))
        assert np.all(np.diff(worth) >= -1e-12)


def test_overconfident_source_is_corrected():
    fit = fit_best(*drawn(2_000, 0.6, -0.9))
    assert fit.raw.calibration_error.value > 0.1
    assert fit.after.calibration_error.value < 0.05
    assert fit.after.brier.value < fit.raw.brier.value
    stated, right = drawn(20_000, 0.6, -0.9, seed=9)
    assert calibration_error(fit.recalibration.apply(stated), right) < 0.05


def test_calibrated_source_is_unchanged():
    fit = fit_best(*drawn(1_000, 1.0, 0.0))
    assert fit.recalibration == Recalibration()
    assert fit.after == fit.raw


def test_nonlinear_miscalibration_selects_isotonic():
    draws = np.random.default_rng(3)
    stated = draws.random(4_000)
    worth = np.where(stated < 0.5, 0.1, np.where(stated < 0.7, 0.85, 0.9))
    fit = fit_best(stated, (draws.random(4_000) < worth).astype(float))
    assert fit.recalibration.method == "isotonic"
    assert fit.tried["isotonic"] < fit.tried["platt"] < fit.tried["none"]


def test_a_single_stated_value_maps_to_its_accuracy():
    stated, right = as_arrays([0.9] * 100, [1] * 60 + [0] * 40)
    fit = fit_best(stated, right)
    assert fit.recalibration.of(0.9) == pytest.approx(0.6, abs=0.02)


def test_diagram_has_one_dot_per_bin():
    stated, right = drawn(500, 0.6, -0.9)
    bins = reliability(stated, right)
    picture = draw_reliability(bins, fit_platt(stated, right))
    assert picture.count("<circle") == len(bins)
    assert "<polyline" in picture
    assert "<polyline" not in draw_reliability(bins)
    assert "<circle" not in draw_reliability([])
