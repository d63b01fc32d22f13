"""Difference in differences of units, such as regions: the change of the treated against that of the others. Geo lift is the same, with its spend.

Each unit's periods are averaged before and after, so that serial correlation within a unit cannot pass for evidence (Bertrand,
Duflo and Mullainathan 2004); the two groups' changes are compared with unequal variances (Welch).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from workflows.marketing.causal.counterfactual import Floats
from workflows.marketing.causal.extra import statsmodels

PERMUTATIONS = 1_000
SEED = 20_240_101
ASSUMPTIONS = (
    "Without the treatment, treated and control units would have changed alike on average (parallel trends).",
    "Control units were not moved by the treatment (no spill-over between units).",
    "Units were not chosen by how they were expected to change.",
)


@dataclass(frozen=True, slots=True)
class Panel:
    """Units over periods.

    Attributes:
        units: outcomes by unit, shape (n,) each.
        treated: names of the treated units, at least two, as of the others.
        start: the place of the first treated period.
    """

    units: Mapping[str, Sequence[float]]
    treated: frozenset[str]
    start: int


def difference_in_differences(
    panel: Panel, *, level: float = 0.9, spend: float | None = None
) -> dict[str, Any]:
    """Return the effect per treated unit and period with its interval, placebo tests, assumptions and confidence, JSON-ready.

    Args:
        panel: the units.
        level: of intervals.
        spend: of the treatment in all, for the return on it; None if unknown.

    Raises:
        CausalNotInstalled: the extra is missing.
    """
    names = list(panel.units)
    values = np.array([panel.units[name] for name in names], dtype=float)
    treated = np.array([name in panel.treated for name in names])
    periods = values.shape[1] - panel.start
    changes = values[:, panel.start :].mean(axis=1) - values[:, : panel.start].mean(axis=1)
    effect, low, high, p = _welch(changes, treated, level)
    permuted = _permutation(changes, treated)
    before = _placebo_before(values, treated, panel.start, level)
    whole = int(treated.sum()) * periods
    expected = float(values[treated, panel.start :].mean() - effect)
    confidence, reasons = (
        1 - p / 2,
        [f"Welch's test gives the effect its direction with probability {1 - p / 2:.2f}."],
    )
    if 1 - permuted / 2 < confidence:
        confidence = max(0.5, 1 - permuted / 2)
        reasons.append(f"{permuted:.0%} of assignments at random differ as much.")
    if before is None:
        reasons.append("Too few periods before the treatment to test trends.")
    elif before["alarm"]:
        confidence = 0.5 + (confidence - 0.5) / 2
        reasons.append("The groups already moved apart before the treatment.")
    answer: dict[str, Any] = {
        "effect": {
            "per_unit_and_period": effect, "low": low, "high": high, "level": level, "total": effect * whole, "total_low": low * whole,
            "total_high": high * whole, "relative": effect / abs(expected) if expected else None,
        },
        "p_value": p,
        "permutation_p": permuted,
        "verdict": ("increase" if effect > 0 else "decrease") if low > 0 or high < 0 else "no effect shown",
        "confidence": round(confidence, 4),
        "confidence_reasons": reasons,
        "placebo_in_time": before,
        "assumptions": list(ASSUMPTIONS),
        "method": "difference in differences of unit means, Welch's interval, permutation of units",
        "treated_units": int(treated.sum()),
        "control_units": int((~treated).sum()),
        "periods_before": panel.start,
        "periods_after": periods,
    }  # fmt: skip
    if spend:
        answer["return_on_spend"] = {
            name: answer["effect"][f"total{end}"] / spend for name, end in _ENDS.items()
        }
    return answer


_ENDS = {"estimate": "", "low": "_low", "high": "_high"}


def _welch(changes: Floats, treated: Any, level: float) -> tuple[float, float, float, float]:
    """Return the difference of the groups' means, its interval, and the two-sided p-value."""
    _, weightstats = statsmodels()
    groups = weightstats.CompareMeans.from_data(changes[treated], changes[~treated])
    effect = float(changes[treated].mean() - changes[~treated].mean())
    if changes[treated].std() == 0 and changes[~treated].std() == 0:
        return effect, effect, effect, 0.0 if effect else 1.0
    low, high = groups.tconfint_diff(alpha=1 - level, usevar="unequal")
    return effect, float(low), float(high), float(groups.ttest_ind(usevar="unequal")[1])


def _permutation(changes: Floats, treated: Any) -> float:
    """Return the share of random assignments of units with a difference at least as large; the same on every run."""
    random = np.random.default_rng(SEED)
    count, mean = int(treated.sum()), changes.mean()
    observed = abs(changes[treated].mean() - changes[~treated].mean())
    rest = len(changes) - count
    shuffled = random.permuted(np.tile(changes - mean, (PERMUTATIONS, 1)), axis=1)[:, :count].sum(axis=1)
    differences = np.abs(shuffled / count + shuffled / rest)
    return float((1 + (differences >= observed * (1 - 1e-12)).sum()) / (1 + PERMUTATIONS))


def _placebo_before(values: Floats, treated: Any, start: int, level: float) -> dict[str, Any] | None:
    """Return the effect of a treatment pretended halfway before the real one; None if there are fewer than four periods."""
    if start < 4:
        return None
    middle = start // 2
    changes = values[:, middle:start].mean(axis=1) - values[:, :middle].mean(axis=1)
    effect, low, high, p = _welch(changes, treated, level)
    return {"effect": effect, "low": low, "high": high, "p_value": p, "alarm": bool(low > 0 or high < 0)}
