"""Forecast a series that nothing happened to, from its past and its controls, with joint intervals.

The model is a local level with regression: y = X b + m + e, where the level m is a random walk of variance q s² and e is noise of
variance s². Given q, everything is normal, so the forecast is in closed form (a generalised least squares predictor with diffuse b,
Student's t for s²). Over q, which the past tells little about, forecasts are averaged with the weights of its restricted likelihood
on a grid: an interval that takes the best q for the true one is too narrow.

Source: Harvey 1989, chapters 3 and 4; Harville 1977 (restricted likelihood); Brodersen et al. 2015 for the use.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from workflows.marketing.causal.extra import scipy_special

Floats = npt.NDArray[np.float64]
RATIOS = np.array([0.0, *np.geomspace(1e-4, 100.0, 13)])
"""Variances of the level's steps over that of the noise."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """Forecasts of the steps after the past, one for each variance ratio, with their weights.

    Attributes:
        weights: shape (g,), sum 1.
        means: shape (g, h).
        scales: covariances up to Student's t, shape (g, h, h).
        freedom: degrees of freedom of t.
        residuals: standardised one by one of the past at the likeliest ratio, shape (n - k,).
        fitted: of the past at the likeliest ratio, shape (n,).
        ratio: the weighted mean of q.
    """

    weights: Floats
    means: Floats
    scales: Floats
    freedom: int
    residuals: Floats
    fitted: Floats
    ratio: float

    @property
    def mean(self) -> Floats:
        """The expected series, shape (h,)."""
        return (self.weights[:, None] * self.means).sum(axis=0)

    def interval(self, level: float, *, running: bool) -> Floats:
        """Return the lower and upper ends of each step's interval, or of its running sum's, shape (2, h)."""
        centres, widths = self._of(running=running)
        return np.stack([self._quantile(p, centres, widths) for p in ((1 - level) / 2, (1 + level) / 2)])

    def below_total(self, value: float) -> float:
        """Return the probability that the sum of all steps is below a value."""
        centres, widths = self._of(running=True)
        tails = scipy_special().stdtr(self.freedom, (value - centres[:, -1]) / widths[:, -1])
        return float((self.weights * tails).sum())

    def deviation(self, value: float) -> float:
        """Return how far a sum of all steps is from its forecast, in standard deviations of the forecast."""
        centres, widths = (each[:, -1] for each in self._of(running=True))
        mean = (self.weights * centres).sum()
        variance = (self.weights * (widths**2 + (centres - mean) ** 2)).sum()
        return float((value - mean) / np.sqrt(variance))

    def _of(self, *, running: bool) -> tuple[Floats, Floats]:
        """Return centres and widths, shape (g, h) each, of steps or of their running sums."""
        if not running:
            return self.means, np.sqrt(np.einsum("ghh->gh", self.scales))
        summed = np.cumsum(np.cumsum(self.scales, axis=1), axis=2)
        return np.cumsum(self.means, axis=1), np.sqrt(np.einsum("ghh->gh", summed))

    def _quantile(self, p: float, centres: Floats, widths: Floats) -> Floats:
        special = scipy_special()
        reach = special.stdtrit(self.freedom, p) * widths
        low, high = (centres + reach).min(axis=0), (centres + reach).max(axis=0)
        weights = self.weights[:, None]
        for _ in range(45):
            middle = (low + high) / 2
            under = (weights * special.stdtr(self.freedom, (middle - centres) / widths)).sum(axis=0) < p
            low, high = np.where(under, middle, low), np.where(under, high, middle)
        return (low + high) / 2


def forecast(past: Floats, regressors: Floats, ahead: Floats) -> Forecast:
    """Return the forecast of the steps after the past.

    The filter runs over all variance ratios at once and without linear algebra over time, so that it takes milliseconds also where
    other work keeps the cores busy (threads of BLAS wait for each other there).

    Args:
        past: shape (n,).
        regressors: of the past, without a constant, shape (n, k); n > k + 3.
        ahead: of the steps to forecast, shape (h, k).
    """
    n, h = len(past), len(ahead)
    # in units of the series' own spread, so that the numbers stay near 1
    centre, unit = float(past.mean()), float(past.std()) or 1.0
    spread = regressors.std(axis=0)
    spread[spread == 0] = 1.0
    middle = regressors.mean(axis=0)
    x = np.column_stack([np.ones(n), (regressors - middle) / spread])
    x_ahead = np.column_stack([np.ones(h), (ahead - middle) / spread])
    k = x.shape[1]
    y = (past - centre) / unit
    whitened, variances = _whitened(np.column_stack([x, y, np.arange(1.0, n + 1)]))
    white_x, white_y = whitened[:, :, :k], whitened[:, :, k]
    # the covariance of the past with any later level: q times the step
    white_level = whitened[:, :, k + 1] * RATIOS[:, None]
    information = np.einsum("gnk,gnl->gkl", white_x, white_x)
    covariance = np.linalg.inv(information)
    beta = np.einsum("gkl,gnl,gn->gk", covariance, white_x, white_y)
    rest = white_y - np.einsum("gnk,gk->gn", white_x, beta)
    variance = np.maximum(np.einsum("gn,gn->g", rest, rest) / (n - k), 1e-18)
    logdet = np.log(variances).sum(axis=1) + np.linalg.slogdet(information)[1]
    likelihoods = -0.5 * (logdet + (n - k) * np.log(variance))
    weights = np.exp(likelihoods - likelihoods.max())
    weights /= weights.sum()
    best = int(np.argmax(likelihoods))

    level = np.einsum("gn,gn->g", white_level, rest)
    means = np.einsum("hk,gk->gh", x_ahead, beta) + level[:, None]
    left = x_ahead[None] - np.einsum("gn,gnk->gk", white_level, white_x)[:, None, :]
    steps = np.arange(n + 1.0, n + h + 1)
    walk = np.minimum.outer(steps, steps)
    known = np.einsum("gn,gn->g", white_level, white_level)
    scales = RATIOS[:, None, None] * walk - known[:, None, None] + np.eye(h)
    scales = scales + np.einsum("ghl,gjl->ghj", np.einsum("ghk,gkl->ghl", left, covariance), left)
    return Forecast(
        weights=weights,
        means=means * unit + centre,
        scales=scales * variance[:, None, None] * unit**2,
        freedom=n - k,
        residuals=rest[best] / np.sqrt(variance[best]),
        fitted=(y - _noise(rest[best], variances[best])) * unit + centre,
        ratio=float((weights * RATIOS).sum()),
    )


def _whitened(series: Floats) -> tuple[Floats, Floats]:
    """Return the standardised innovations of a local level that starts at 0, with their variances, for each variance ratio.

    Args:
        series: shape (n, c).

    Returns:
        Shapes (g, n, c) and (g, n), in units of the noise.
    """
    innovations = np.empty((len(RATIOS), *series.shape))
    variances = np.empty((len(RATIOS), len(series)))
    level, uncertain = np.zeros((len(RATIOS), series.shape[1])), RATIOS.copy()
    for place, values in enumerate(series):
        variance = uncertain + 1.0
        gain = uncertain / variance
        error = values - level
        innovations[:, place] = error / np.sqrt(variance)[:, None]
        variances[:, place] = variance
        level = level + gain[:, None] * error
        uncertain = uncertain * (1.0 - gain) + RATIOS
    return innovations, variances


def _noise(innovations: Floats, variances: Floats) -> Floats:
    """Return the expected noise of each observation, given all of them (the disturbance smoother), shape (n,)."""
    noise = np.empty(len(innovations))
    later = 0.0
    for place in range(len(innovations) - 1, -1, -1):
        gain = (variances[place] - 1.0) / variances[place]
        own = innovations[place] / np.sqrt(variances[place])
        noise[place] = own - gain * later
        later = own + (1.0 - gain) * later
    return noise


def columns(series: Sequence[Sequence[float]], length: int) -> Floats:
    """Return series as the columns of a matrix, shape (length, number of series)."""
    return np.array(series, dtype=float).T if series else np.empty((length, 0))
