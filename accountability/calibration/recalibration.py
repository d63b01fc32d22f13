"""Learning from verdicts what a stated confidence is worth. Pure: numpy alone.

Two ways, and a third that leaves it as it is; which one is used, cross-validation decides:

- `platt`: sigma(a · logit(p) + b), two numbers, enough for a source that is always too sure (Platt 1999; with a = 1 and
  b = 0 nothing is changed, which Platt on the raw score could not say: Kull et al. 2017).
- `isotonic`: any rising curve, by pooling neighbours that fall (Zadrozny and Elkan 2002); wants more verdicts.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from accountability.calibration.measures import BINS, Interval, bootstrap, brier_score, calibration_error

FOLDS = 10
_EDGE = 1e-4  # of 0 and 1: their log odds are infinite
_ROUNDS = 100
_ENOUGH = 1e-9


@dataclass(frozen=True, slots=True)
class Recalibration:
    """A learnt curve from stated to believed confidence; JSON-ready.

    Attributes:
        method: none, platt or isotonic.
        parameters: `a` and `b`, or the curve's corners `x` and `y`.
    """

    method: str = "none"
    parameters: dict[str, list[float]] = field(default_factory=dict)

    def apply(self, confidences: np.ndarray) -> np.ndarray:
        """Return what the confidences are worth, 0..1, in their shape."""
        if self.method == "platt":
            [a], [b] = self.parameters["a"], self.parameters["b"]
            return _sigma(a * _logit(confidences) + b)
        if self.method == "isotonic":
            return np.interp(confidences, self.parameters["x"], self.parameters["y"])
        return np.asarray(confidences, dtype=np.float64)

    def of(self, confidence: float) -> float:
        """Return what one confidence is worth."""
        return float(self.apply(np.asarray([confidence]))[0])


@dataclass(frozen=True, slots=True)
class Scores:
    """Calibration error and Brier score, each with its 95% interval."""

    calibration_error: Interval
    brier: Interval


@dataclass(frozen=True, slots=True)
class Fit:
    """The best recalibration, and what it gains on verdicts that it has not seen.

    Attributes:
        recalibration: learnt from all verdicts.
        raw: of the confidences as stated.
        after: of the recalibrated ones, each by a curve that was learnt without it (cross-validation).
        tried: each method's cross-validated Brier score.
    """

    recalibration: Recalibration
    raw: Scores
    after: Scores
    tried: dict[str, float]


def fit_platt(confidences: np.ndarray, outcomes: np.ndarray) -> Recalibration:
    """Return the logistic curve by Newton's method, towards Platt's softened outcomes so that no curve is infinitely steep."""
    right = outcomes.sum()
    high, low = (right + 1) / (right + 2), 1 / (len(outcomes) - right + 2)
    targets = np.where(outcomes > 0.5, high, low)
    columns = np.stack([_logit(confidences), np.ones(len(confidences))], axis=1)
    weights = np.array([1.0, 0.0])
    for _ in range(_ROUNDS):
        stated = _sigma(columns @ weights)
        slope = columns.T @ (stated - targets)
        curvature = (columns * (stated * (1 - stated))[:, None]).T @ columns + 1e-6 * np.eye(2)
        step = np.linalg.solve(curvature, slope)
        weights -= np.clip(step, -5, 5)
        if np.abs(step).max() < _ENOUGH:
            break
    # more confidence never means less: a falling line would be noise
    a = max(0.0, float(weights[0]))
    if a == 0.0:
        return Recalibration("platt", {"a": [0.0], "b": [float(_logit(np.asarray([targets.mean()]))[0])]})
    return Recalibration("platt", {"a": [a], "b": [float(weights[1])]})


def fit_isotonic(confidences: np.ndarray, outcomes: np.ndarray) -> Recalibration:
    """Return the rising curve nearest to the outcomes: neighbours that would fall are pooled."""
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
    # a little towards one half: a pool of three right ones is no certainty
    y = [(pool[0] + 0.5) / (pool[1] + 1) for pool in pools]
    return Recalibration("isotonic", {"x": x, "y": [float(each) for each in np.maximum.accumulate(y)]})


_METHODS: dict[str, Callable[[np.ndarray, np.ndarray], Recalibration]] = {
    "none": lambda *_: Recalibration(),
    "platt": fit_platt,
    "isotonic": fit_isotonic,
}


def fit_best(confidences: np.ndarray, outcomes: np.ndarray, *, folds: int = FOLDS, seed: int = 0) -> Fit:
    """Return the recalibration that does best on verdicts that it was not learnt from.

    A method with more freedom takes the place of a simpler one only if it lowers the cross-validated Brier score by more
    than the standard error of the difference.

    Args:
        confidences: float64, shape (n,), as stated.
        outcomes: float64, shape (n,), 1 for a decision that was approved, 0 for one that was overturned.
        folds: parts of the cross-validation, at most n.
        seed: of the division into parts.
    """
    part = np.random.default_rng(seed).permutation(len(confidences)) % min(folds, len(confidences))
    unseen = {name: _unseen(name, confidences, outcomes, part) for name in _METHODS}
    losses = {name: (made - outcomes) ** 2 for name, made in unseen.items()}
    chosen = "none"
    for name in ("platt", "isotonic"):
        gain = losses[chosen] - losses[name]
        if gain.mean() > gain.std() / np.sqrt(len(gain)):
            chosen = name
    return Fit(
        recalibration=_METHODS[chosen](confidences, outcomes),
        raw=scores_of(confidences, outcomes, seed=seed),
        after=scores_of(unseen[chosen], outcomes, seed=seed),
        tried={name: float(loss.mean()) for name, loss in losses.items()},
    )


def scores_of(confidences: np.ndarray, outcomes: np.ndarray, *, seed: int = 0) -> Scores:
    """Return both measures with their intervals."""

    def error(stated: np.ndarray, came: np.ndarray) -> float:
        return calibration_error(stated, came, bins=BINS)

    return Scores(
        bootstrap(error, confidences, outcomes, seed=seed),
        bootstrap(brier_score, confidences, outcomes, seed=seed),
    )


def _unseen(name: str, confidences: np.ndarray, outcomes: np.ndarray, part: np.ndarray) -> np.ndarray:
    made = np.empty(len(confidences))
    for number in np.unique(part):
        held = part == number
        curve = _METHODS[name](confidences[~held], outcomes[~held]) if (~held).any() else Recalibration()
        made[held] = curve.apply(confidences[held])
    return made


def _logit(values: np.ndarray) -> np.ndarray:
    inside = np.clip(values, _EDGE, 1 - _EDGE)
    return np.log(inside / (1 - inside))


def _sigma(values: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-np.clip(values, -60, 60)))
