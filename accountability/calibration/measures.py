"""Measures of stated confidences against what came of them. Pure: numpy alone.

A confidence is calibrated when of the decisions that state it that share is right. Sources: Brier 1950 (score); Naeini, Cooper
and Hauskrecht 2015 (expected calibration error by bins); Efron 1979 (bootstrap); Wilson 1927 (interval of a share).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

BINS = 10
ROUNDS = 1_000
_Z = 1.959964  # of a normal distribution, 95% lie within

Measure = Callable[[np.ndarray, np.ndarray], float]


@dataclass(frozen=True, slots=True)
class Bin:
    """The decisions whose confidence lies in one tenth of the scale.

    Attributes:
        low: where it begins.
        high: where it ends; the last one holds 1 too.
        count: of decisions.
        confidence: their mean, 0..1.
        right: the share of them that was right, 0..1.
        right_low: end of its 95% interval (Wilson).
        right_high: the other end.
    """

    low: float
    high: float
    count: int
    confidence: float
    right: float
    right_low: float
    right_high: float


@dataclass(frozen=True, slots=True)
class Interval:
    """A measured value with the ends of its 95% interval."""

    value: float
    low: float
    high: float


def as_arrays(confidences: object, outcomes: object) -> tuple[np.ndarray, np.ndarray]:
    """Return confidences and outcomes as float64 of shape (n,).

    Raises:
        ValueError: they differ in length, there are none, or a value lies outside of 0..1.
    """
    stated, came = np.asarray(confidences, dtype=np.float64), np.asarray(outcomes, dtype=np.float64)
    if stated.ndim != 1 or stated.shape != came.shape or not len(stated):
        raise ValueError("confidences and outcomes must be lists of one length, and not empty")
    for values in (stated, came):
        if not np.all((values >= 0) & (values <= 1)):
            raise ValueError("confidences and outcomes must be between 0 and 1")
    return stated, came


def brier_score(confidences: np.ndarray, outcomes: np.ndarray) -> float:
    """Return the mean squared distance of confidence and outcome: 0 is best, always saying one half gives .25."""
    return float(np.mean((confidences - outcomes) ** 2))


def calibration_error(confidences: np.ndarray, outcomes: np.ndarray, *, bins: int = BINS) -> float:
    """Return the expected calibration error: the mean distance of confidence and share of right ones, over bins of equal width.

    It is never quite 0: with n decisions a perfectly calibrated source still shows about .3 / sqrt(n / bins).
    """
    places = _places(confidences, bins)
    distances = np.bincount(places, weights=confidences - outcomes, minlength=bins)
    return float(np.abs(distances).sum() / len(confidences))


def reliability(confidences: np.ndarray, outcomes: np.ndarray, *, bins: int = BINS) -> list[Bin]:
    """Return the bins of a reliability diagram that are not empty, lowest first."""
    places = _places(confidences, bins)
    made = []
    for place in range(bins):
        inside = places == place
        count = int(inside.sum())
        if count:
            right = float(outcomes[inside].mean())
            low, high = wilson(right, count)
            stated = float(confidences[inside].mean())
            made.append(Bin(place / bins, (place + 1) / bins, count, stated, right, low, high))
    return made


def wilson(share: float, count: int) -> tuple[float, float]:
    """Return the 95% interval of a share that was observed on `count` cases."""
    square = _Z * _Z
    middle = (share + square / (2 * count)) / (1 + square / count)
    half = _Z / (1 + square / count) * np.sqrt(share * (1 - share) / count + square / (4 * count * count))
    return float(max(0.0, middle - half)), float(min(1.0, middle + half))


def bootstrap(
    measure: Measure, confidences: np.ndarray, outcomes: np.ndarray, *, rounds: int = ROUNDS, seed: int = 0
) -> Interval:
    """Return a measure with its 95% interval: its quantiles over samples drawn with replacement.

    Of a calibration error the interval lies rather too high than too low, since each sample has noise of its own.

    Args:
        measure: of confidences and outcomes.
        confidences: float64, shape (n,).
        outcomes: float64, shape (n,), 1 for right.
        rounds: how many samples.
        seed: of the draws, so that a report is the same when it is made again.
    """
    draws = np.random.default_rng(seed)
    size = len(confidences)
    values = np.empty(rounds)
    for number in range(rounds):
        chosen = draws.integers(0, size, size)
        values[number] = measure(confidences[chosen], outcomes[chosen])
    low, high = np.quantile(values, (0.025, 0.975))
    return Interval(measure(confidences, outcomes), float(low), float(high))


def _places(confidences: np.ndarray, bins: int) -> np.ndarray:
    return np.minimum((confidences * bins).astype(np.int64), bins - 1)
