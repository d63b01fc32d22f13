"""The effect of an intervention on a series: what came, against what its past and its controls let expect.

Placebo tests say whether the method can be believed here: interventions that never happened, at earlier times, and on the
controls. The confidence of the conclusion is bounded by both.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np

from workflows.marketing.causal.counterfactual import Floats, Forecast, columns, forecast
from workflows.marketing.causal.extra import statsmodels

MIN_PAST = 12
MAX_PLACEBOS = 20
FALSE_ALARMS = 0.12
"""The share of placebos in time that may show an effect by a 90% interval, before the model is doubted."""

ASSUMPTIONS = (
    "Nothing else changed at the intervention that moves the outcome and that the controls don't show.",
    "The controls were not moved by the intervention (no spill-over into them).",
    "The relation of the outcome to its controls, as fitted before the intervention, would have gone on.",
    "Apart from the controls, the outcome drifts as a random walk with noise; neither has other patterns, such as a season.",
)


@dataclass(frozen=True, slots=True)
class Series:
    """An outcome with its controls, regular in time.

    Attributes:
        periods: first days, one step apart.
        values: the outcome, shape (n,).
        controls: series by name, shape (n,) each.
        start: the place of the first period after the intervention.
    """

    periods: Sequence[date]
    values: Sequence[float]
    controls: Mapping[str, Sequence[float]]
    start: int


def causal_impact(series: Series, *, level: float = 0.9) -> dict[str, Any]:
    """Return the effect of an intervention with its interval, placebo tests, diagnostics, assumptions and confidence, JSON-ready.

    Args:
        series: at least MIN_PAST periods before the intervention and three more than it has controls.
        level: of intervals.

    Raises:
        CausalNotInstalled: the extra is missing.
    """
    y = np.array(series.values, dtype=float)
    x = columns(list(series.controls.values()), len(y))
    start = series.start
    found = forecast(y[:start], x[:start], x[start:])
    after, steps = y[start:], len(y) - start
    expected = found.mean
    point, cumulative = found.interval(level, running=False), found.interval(level, running=True)
    effect = float((after - expected).sum())
    above = found.below_total(float(after.sum()))
    low, high = (float(after.sum() - end) for end in (cumulative[1, -1], cumulative[0, -1]))
    in_time = _placebos_in_time(y, x, start, steps, level)
    in_space = _placebos_in_space(series, x, level)
    z = found.deviation(float(after.sum()))
    rank = (1 + sum(abs(each["z"]) >= abs(z) for each in in_time)) / (1 + len(in_time))
    confidence, reasons = _confidence(above, rank, in_time, in_space)
    counterfactual = float(expected.sum())
    scale = abs(counterfactual)
    is_shown = low > 0 or high < 0
    return {
        "effect": {
            "total": effect, "low": low, "high": high, "level": level, "per_period": effect / steps,
            "relative": effect / scale if scale else None, "relative_low": low / scale if scale else None,
            "relative_high": high / scale if scale else None,
        },
        "probability_of_direction": max(above, 1 - above),
        "verdict": ("increase" if effect > 0 else "decrease") if is_shown else "no effect shown",
        "confidence": confidence,
        "confidence_reasons": reasons,
        "placebos_in_time": {
            "count": len(in_time), "false_alarms": sum(each["alarm"] for each in in_time), "rank": rank, "runs": in_time,
        },
        "placebos_in_space": in_space,
        "diagnostics": _diagnostics(found, y[:start]),
        "assumptions": list(ASSUMPTIONS),
        "method": "local level with regression, forecast by generalised least squares, averaged over variance ratios",
        "periods_before": start,
        "periods_after": steps,
        "series": [
            {
                "period": period.isoformat(), "actual": float(actual), "expected": float(mean), "low": float(lower), "high": float(upper),
                "cumulative": float(summed), "cumulative_low": float(sum_low), "cumulative_high": float(sum_high),
            }
            for period, actual, mean, lower, upper, summed, sum_low, sum_high in zip(
                series.periods[start:], after, expected, point[0], point[1], np.cumsum(after - expected),
                np.cumsum(after) - cumulative[1], np.cumsum(after) - cumulative[0], strict=True,
            )
        ],
        "fitted": [float(each) for each in found.fitted],
    }  # fmt: skip


def _alarm(y: Floats, x: Floats, start: int, level: float) -> dict[str, Any]:
    """Return whether an intervention that did not happen shows an effect."""
    found = forecast(y[:start], x[:start], x[start:])
    after = y[start:]
    share = found.below_total(float(after.sum()))
    return {
        "effect": float((after - found.mean).sum()),
        "z": found.deviation(float(after.sum())),
        "alarm": bool(min(share, 1 - share) < (1 - level) / 2),
    }


def _placebos_in_time(y: Floats, x: Floats, start: int, steps: int, level: float) -> list[dict[str, Any]]:
    """Return interventions pretended before the real one, each as long as it is, or as the past allows."""
    least = max(MIN_PAST, x.shape[1] + 4, start // 2)
    length = min(steps, max(1, (start - least) // 2))
    places = range(least, start - length + 1)
    if not places:
        return []
    chosen = np.unique(np.linspace(places[0], places[-1], min(MAX_PLACEBOS, len(places))).astype(int))
    return [
        {"start": int(place)} | _alarm(y[: place + length], x[: place + length], int(place), level)
        for place in chosen
    ]


def _placebos_in_space(series: Series, x: Floats, level: float) -> list[dict[str, Any]]:
    """Return each control as if it had been treated, explained by the other controls."""
    return [
        {"control": name} | _alarm(x[:, place], np.delete(x, place, axis=1), series.start, level)
        for place, name in enumerate(list(series.controls)[:MAX_PLACEBOS])
    ]


def _confidence(
    above: float, rank: float, in_time: list[dict[str, Any]], in_space: list[dict[str, Any]]
) -> tuple[float, list[str]]:
    """Return the confidence that the effect has its direction, with the reasons that lower it."""
    direction = max(above, 1 - above)
    confidence = direction
    reasons = [f"The interval gives the effect its direction with probability {direction:.2f}."]
    if not in_time:
        confidence = min(confidence, 0.7)
        reasons.append("The past is too short for placebo tests in time: at most 0.70.")
    else:
        bound = 1 - rank
        if bound < confidence:
            confidence = max(0.5, bound)
            reasons.append(f"{rank:.0%} of placebos in time are as far from their forecast.")
        alarms = sum(each["alarm"] for each in in_time) / len(in_time)
        if alarms > FALSE_ALARMS:
            confidence = 0.5 + (confidence - 0.5) * (1 - alarms)
            reasons.append(f"{alarms:.0%} of placebos in time show an effect, where nothing happened.")
    moved = [each["control"] for each in in_space if each["alarm"] and abs(each["z"]) > 2.6]
    if moved:
        confidence = 0.5 + (confidence - 0.5) / 2
        reasons.append(f"Controls that moved at the intervention themselves: {', '.join(moved)[:500]}.")
    return round(confidence, 4), reasons


def _diagnostics(found: Forecast, past: Floats) -> dict[str, Any]:
    """Return what the residuals say about the fit: serial correlation (Ljung-Box), normality (Lilliefors), explained share."""
    diagnostic, _ = statsmodels()
    residuals = found.residuals
    lags = max(1, min(8, len(residuals) // 4))
    ljung = float(diagnostic.acorr_ljungbox(residuals, lags=[lags])["lb_pvalue"].iloc[0])
    normal = float(diagnostic.lilliefors(residuals)[1])
    spread = float(((past - past.mean()) ** 2).sum())
    return {
        "ljung_box_p": ljung if np.isfinite(ljung) else None,
        "lilliefors_p": normal if np.isfinite(normal) else None,
        "r_squared": 1 - float(((past - found.fitted) ** 2).sum()) / spread if spread else None,
        "level_over_noise": found.ratio,
        "warnings": [
            text
            for text, is_so in (
                (
                    "Residuals are serially correlated: there may be a season or trend that no control shows.",
                    ljung < 0.01,
                ),
                ("Residuals are far from normal: intervals may be off.", normal < 0.01),
            )
            if is_so
        ],
    }
