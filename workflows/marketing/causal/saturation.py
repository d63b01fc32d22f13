"""Fit how spend turns into an outcome: geometric adstock, then Hill saturation, by least squares from several starts."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from workflows.marketing.causal.counterfactual import Floats
from workflows.marketing.causal.extra import scipy_optimize

SEED = 20_240_101
STARTS = 12
ASSUMPTIONS = (
    "Spend was not set by the outcome that was expected (otherwise its effect is overstated).",
    "Nothing else that moves the outcome goes along with spend.",
    "The effect of a period's spend decays at a constant rate, and returns only diminish by Hill's curve.",
)


def adstocked(spend: Floats, decay: float) -> Floats:
    """Return spend with what is left of earlier periods, shape (n,): a[t] = x[t] + decay · a[t - 1]."""
    left = np.empty(len(spend))
    before = 0.0
    for place, each in enumerate(spend):
        before = left[place] = each + decay * before
    return left


def saturated(stock: Floats, half: float, slope: float) -> Floats:
    """Return Hill's curve, 0 to 1: half of it at `half`."""
    powered = np.power(stock, slope)
    return powered / (powered + half**slope)


def fit_saturation(spend: Sequence[float], outcome: Sequence[float]) -> dict[str, Any]:
    """Return the parameters with standard errors, the fit, a response curve and the marginal return, JSON-ready.

    Args:
        spend: at least 20 periods, none negative, not all equal.
        outcome: of the same periods.

    Raises:
        CausalNotInstalled: SciPy is missing.
    """
    x, y = np.array(spend, dtype=float), np.array(outcome, dtype=float)
    unit_x, unit_y = float(x.max()), float(y.std()) or 1.0
    x_scaled, y_scaled = x / unit_x, (y - y.mean()) / unit_y

    def parts(shape: Floats) -> tuple[Floats, Floats]:
        """Return the base and height that fit best given decay, half and slope, and the residuals."""
        curve = saturated(adstocked(x_scaled, shape[0]), shape[1], shape[2])
        design = np.column_stack([np.ones(len(curve)), curve])
        found = np.linalg.lstsq(design, y_scaled, rcond=None)[0]
        if found[1] < 0:  # more spend never lowers the outcome
            found = np.array([y_scaled.mean(), 0.0])
        return found, design @ found - y_scaled

    bounds = ([0.0, 0.02, 0.5], [0.95, 20.0, 4.0])
    random = np.random.default_rng(SEED)
    starts = [np.array([0.3, 0.7, 1.2]), *random.uniform([0.0, 0.1, 0.6], [0.9, 4.0, 2.5], (STARTS - 1, 3))]
    solve = scipy_optimize().least_squares
    best = min(
        (solve(lambda p: parts(p)[1], each, bounds=bounds) for each in starts), key=lambda each: each.cost
    )
    decay, half, slope = (float(each) for each in best.x)
    base, height = (float(each) for each in parts(best.x)[0])
    rest = parts(best.x)[1]
    freedom = max(1, len(x) - 5)
    information = best.jac.T @ best.jac
    spread = np.sqrt(np.diag(np.linalg.pinv(information)) * float(rest @ rest) / freedom)
    at_bound = [
        name
        for name, value, low, high in zip(("decay", "half_saturation", "slope"), best.x, *bounds, strict=True)
        if min(value - low, high - value) < 1e-3
    ]

    def steady(level: Floats) -> Floats:
        """Return the outcome of the same spend in every period, in its own units."""
        return height * unit_y * saturated(level / unit_x / (1 - decay), half, slope)

    now = float(x.mean())
    step = max(now, unit_x / 100) * 0.01
    ends = steady(np.array([now, now + step]))
    levels = np.linspace(0, 2 * unit_x, 21)
    return {
        "decay": decay, "decay_se": float(spread[0]),
        "half_saturation": half * unit_x, "half_saturation_se": float(spread[1]) * unit_x,
        "slope": slope, "slope_se": float(spread[2]),
        "base": base * unit_y + float(y.mean()), "height": height * unit_y,
        "r_squared": 1 - float(rest @ rest) / float(y_scaled @ y_scaled) if float(y_scaled @ y_scaled) else None,
        "marginal_return": float(ends[1] - ends[0]) / step,
        "mean_spend": now,
        "curve": [{"spend": float(a), "outcome": float(b)} for a, b in zip(levels, steady(levels), strict=True)],
        "warnings": [f"{name} is at its bound: the data don't tell it." for name in at_bound],
        "assumptions": list(ASSUMPTIONS),
        "method": "geometric adstock and Hill saturation by bounded least squares; standard errors from the curvature",
        "periods": len(x),
    }  # fmt: skip
