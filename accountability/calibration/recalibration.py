"""Fitting curves from stated to calibrated confidence. Pure: numpy alone.

Cross-validation chooses between `none`, which changes nothing, and two methods:

- `platt`: sigma(a · logit(p) + b): two parameters, enough for a source that is always overconfident (Platt 1999). The logit
  makes a = 1, b = 0 the identity (Kull et al. 2017).
- `isotonic`: any non-decreasing curve, by pooling adjacent violators (Zadrozny and Elkan 2002); needs more verdicts.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from accountability.calibration.measures import Interval, bootstrap, brier_score, calibration_error

FOLDS = 10
_EDGE = 1e-4  # distance kept from 0 and 1, whose log odds are infinite
_ITERATIONS = 100
_CONVERGED = 1e-9


@dataclass(frozen=True, slots=True)
class Recalibration:
    """A curve from stated to calibrated confidence; JSON-ready.

    Attributes:
        method: none, platt or isotonic.
        parameters: `a` and `b`, or the curve's breakpoints `x` and `y`.
    """

    method: str = "none"
    parameters: dict[str, list[float]] = field(default_factory=dict)

    def apply(self, confidences: np.ndarray) -> np.ndarray:
        """Return the calibrated confidences, 0..1, of the same shape."""
        if self.method == "platt":
            [a], [b] = self.parameters["a"], self.parameters["b"]
            return _sigma(a * _logit(confidences) + b)
        if self.method == "isotonic":
            return np.interp(confidences, self.parameters["x"], self.parameters["y"])
        return np.asarray(confidences, dtype=np.float64)

    def of(self, confidence: float) -> float:
        """Return one calibrated confidence."""
        return float(self.apply(np.asarray([confidence]))[0])


@dataclass(frozen=True, slots=True)
class Scores:
    """Calibration error and Brier score, each with its 95% interval."""

    calibration_error: Interval
    brier: Interval


@dataclass(frozen=True, slots=True)
class Fit:
    """The best recalibration with its scores.

    Attributes:
        recalibration: fitted on all verdicts.
        raw: scores of the confidences as stated.
        after: scores of the recalibrated ones, cross-validated.
        tried: each method's cross-validated Brier score.
    """

    recalibration: Recalibration
    raw: Scores
    after: Scores
    tried: dict[str, float]


def fit_platt(confidences: np.ndarray, outcomes: np.ndarray) -> Recalibration:
    """Return the logistic curve, by Newton's method on Platt's smoothed outcomes, which keep the slope finite."""
    right = outcomes.sum()
    high, low = (right + 1) / (right + 2), 1 / (len(outcomes) - right + 2)
    targets = low + outcomes * (high - low)
    columns = np.stack([_logit(confidences), np.ones(len(confidences))], axis=1)
    weights = np.array([1.0, 0.0])
    for _ in range(_ITERATIONS):
        stated = _sigma(columns @ weights)
        slope = columns.T @ (stated - targets)
        curvature = (columns * (stated * (1 - stated))[:, None]).T @ columns + 1e-6 * np.eye(2)
        step = np.linalg.solve(curvature, slope)
        weights -= np.clip(step, -5, 5)
        if np.abs(step).max() < _CONVERGED:
            break
    # the curve must not fall: a negative slope is noise
    a = max(0.0, float(weights[0]))
    if a == 0.0:
        return Recalibration("platt", {"a": [0.0], "b": [float(_logit(np.asarray([targets.mean()]))[0])]})
    return Recalibration("platt", {"a": [a], "b": [float(weights[1])]})


def fit_isotonic(confidences: np.ndarray, outcomes: np.ndarray) -> Recalibration:
    """Return the non-decreasing curve nearest to the outcomes, by pooling adjacent violators."""
    stated, places = np.unique(confidences, return_inverse=True)
    counts = np.bincount(places).astype(np.float64)
    sums = np.bincount(places, weights=outcomes)
    pools: list[list[float]] = []  # sum of outcomes, count, sum of confidences
    for value, count, total in zip(stated, counts, sums, strict=True):
        pools.append([total, count, value * count])
        while len(pools) > 1 and pools[-2][0] * pools[-1][1] >= pools[-1][0] * pools[-2][1]:
            last = pools.pop()
            pools[-1] = [one + other for one, other in zip(pools[-1], last, strict=True)]
    x = [pool[2] / pool[1] for pool in pools]
    # shrunk towards one half: three right outcomes are no certainty
    y = [(pool[0] + 0.5) / (pool[1] + 1) for pool in pools]
    return Recalibration("isotonic", {"x": x, "y": [float(each) for each in np.maximum.accumulate(y)]})


_METHODS: dict[str, Callable[[np.ndarray, np.ndarray], Recalibration]] = {
    "none": lambda *_: Recalibration(),
    "platt": fit_platt,
    "isotonic": fit_isotonic,
}


def fit_best(confidences: np.ndarray, outcomes: np.ndarray, *, folds: int = FOLDS, seed: int = 0) -> Fit:
    """Return the recalibration with the best cross-validated Brier score.

    A more flexible method replaces a simpler one only if it lowers the score by more than the standard error of the difference.

    Args:
        confidences: float64, shape (n,), as stated.
        outcomes: float64, shape (n,), 1 for a right decision, 0 for a wrong one, a share between.
        folds: of the cross-validation, at most n.
        seed: of the assignment to folds.
    """
    fold = np.random.default_rng(seed).permutation(len(confidences)) % min(folds, len(confidences))
    predicted = {name: _cross_validate(name, confidences, outcomes, fold) for name in _METHODS}
    losses = {name: (each - outcomes) ** 2 for name, each in predicted.items()}
    chosen = "none"
    for name in ("platt", "isotonic"):
        gain = losses[chosen] - losses[name]
        if gain.mean() > gain.std() / np.sqrt(len(gain)):
            chosen = name
    return Fit(
        recalibration=_METHODS[chosen](confidences, outcomes),
        raw=scores_of(confidences, outcomes, seed=seed),
        after=scores_of(predicted[chosen], outcomes, seed=seed),
        tried={name: float(loss.mean()) for name, loss in losses.items()},
    )


def scores_of(confidences: np.ndarray, outcomes: np.ndarray, *, seed: int = 0) -> Scores:
    """Return both measures with their intervals."""
    return Scores(
        bootstrap(calibration_error, confidences, outcomes, seed=seed),
        bootstrap(brier_score, confidences, outcomes, seed=seed),
    )


def _cross_validate(name: str, confidences: np.ndarray, outcomes: np.ndarray, fold: np.ndarray) -> np.ndarray:
    """Return each confidence recalibrated by a curve that was fitted without its fold."""
    predicted = np.empty(len(confidences))
    for number in np.unique(fold):
        held = fold == number
        curve = _METHODS[name](confidences[~held], outcomes[~held]) if (~held).any() else Recalibration()
        predicted[held] = curve.apply(confidences[held])
    return predicted


def _logit(values: np.ndarray) -> np.ndarray:
    inside = np.clip(values, _EDGE, 1 - _EDGE)
    return np.log(inside / (1 - inside))


def _sigma(values: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-np.clip(values, -60, 60)))
