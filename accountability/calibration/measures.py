"""Measures of stated confidences against outcomes. Pure: numpy alone.

A confidence c is calibrated if a share c of the decisions that state it is right. Sources: Brier 1950 (score); Naeini, Cooper
and Hauskrecht 2015 (expected calibration error by bins); Efron 1979 (bootstrap); Wilson 1927 (interval of a share).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

BINS = 10
ROUNDS = 1_000
_Z = 1.959964  # the central 95% of a normal distribution

Measure = Callable[[np.ndarray, np.ndarray], float]


@dataclass(frozen=True, slots=True)
class Bin:
    """The decisions whose confidence lies in one bin.

    Attributes:
        low: lower bound, included.
        high: upper bound, excluded except for 1.
        count: of decisions.
        confidence: their mean, 0..1.
        right: the share that was right, 0..1.
        right_low: lower end of its 95% interval (Wilson).
        right_high: upper end.
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
        ValueError: they differ in length, are empty, or hold a value outside 0..1.
    """
    stated, observed = np.asarray(confidences, dtype=np.float64), np.asarray(outcomes, dtype=np.float64)
    if stated.ndim != 1 or stated.shape != observed.shape or not len(stated):
        raise ValueError("confidences and outcomes must be non-empty lists of equal length")
    for values in (stated, observed):
        if not np.all((values >= 0) & (values <= 1)):
            raise ValueError("confidences and outcomes must be between 0 and 1")
    return stated, observed


def brier_score(confidences: np.ndarray, outcomes: np.ndarray) -> float:
    """Return the mean squared difference of confidence and outcome: 0 is best, a constant 0.5 scores 0.25."""
    return float(np.mean((confidences - outcomes) ** 2))


def calibration_error(confidences: np.ndarray, outcomes: np.ndarray, *, bins: int = BINS) -> float:
    """Return the expected calibration error: the mean gap between confidence and share right, over equal-width bins.

    With n decisions even a perfectly calibrated source shows about .3 / sqrt(n / bins).
    """
    gaps = np.bincount(_bin_of(confidences, bins), weights=confidences - outcomes, minlength=bins)
    return float(np.abs(gaps).sum() / len(confidences))


def reliability(confidences: np.ndarray, outcomes: np.ndarray, *, bins: int = BINS) -> list[Bin]:
    """Return the non-empty bins of a reliability diagram, lowest first."""
    numbers = _bin_of(confidences, bins)
    found = []
    for number in range(bins):
        inside = numbers == number
        count = int(inside.sum())
        if count:
            right = float(outcomes[inside].mean())
            low, high = wilson(right, count)
            stated = float(confidences[inside].mean())
            found.append(Bin(number / bins, (number + 1) / bins, count, stated, right, low, high))
    return found


def wilson(share: float, count: int) -> tuple[float, float]:
    """Return the 95% interval of a share observed on `count` cases."""
    square = _Z * _Z
    middle = (share + square / (2 * count)) / (1 + square / count)
    half = _Z / (1 + square / count) * np.sqrt(share * (1 - share) / count + square / (4 * count * count))
    return float(max(0.0, middle - half)), float(min(1.0, middle + half))


def bootstrap(
    measure: Measure, confidences: np.ndarray, outcomes: np.ndarray, *, rounds: int = ROUNDS, seed: int = 0
) -> Interval:
    """Return a measure with its 95% interval: its quantiles over samples drawn with replacement.

    The interval of a calibration error is biased upwards, since each sample adds noise of its own.

    Args:
        measure: of confidences and outcomes.
        confidences: float64, shape (n,).
        outcomes: float64, shape (n,), 1 for right.
        rounds: number of samples.
        seed: of the draws; makes reports reproducible.
    """
    draws = np.random.default_rng(seed)
    size = len(confidences)
    values = np.empty(rounds)
    for number in range(rounds):
        chosen = draws.integers(0, size, size)
        values[number] = measure(confidences[chosen], outcomes[chosen])
    low, high = np.quantile(values, (0.025, 0.975))
    return Interval(measure(confidences, outcomes), float(low), float(high))


def _bin_of(confidences: np.ndarray, bins: int) -> np.ndarray:
    return np.minimum((confidences * bins).astype(np.int64), bins - 1)
