"""Doubtful places in series of sums: levels that jump by a factor of units, sudden breaks, channels that move together. Pure."""

import math
from collections.abc import Sequence
from datetime import date
from itertools import combinations
from statistics import median
from typing import Any

import numpy as np

from workflows.marketing.types import Figures

AROUND = 4
"""Periods on each side of a place that are compared."""
BREAK = 5.0
"""A level that rises or falls by this factor is a break."""
UNIT_FACTORS = (100.0, 1_000.0, 1_000_000.0)
"""Factors by which a change of unit moves a level: cents, thousands, micros."""
TOLERANCE = 1.5
COLLINEAR = 0.95
MIN_PERIODS = 8
MAX_SERIES = 50

Series = dict[str, dict[date, float]]


def doubtful_series(rows: Sequence[tuple[date, str, Figures]]) -> dict[str, Any]:
    """Return what is doubtful in series.

    Args:
        rows: period, name of the series, sums; in order of periods.

    Returns:
        `unit_changes` and `breaks` of spend, each with series, period and factor; `collinear` pairs of spend with their correlation.
    """
    series: Series = {}
    for period, name, sums in rows:
        spend = sums["spend"]
        if spend is not None:
            series.setdefault(name, {})[period] = float(spend)
    units: list[dict[str, Any]] = []
    breaks: list[dict[str, Any]] = []
    for name, values in sorted(series.items()):
        for place in _jumps(values):
            (units if place.pop("is_unit") else breaks).append({"series": name, "metric": "spend"} | place)
    return {"unit_changes": units[:100], "breaks": breaks[:100], "collinear": _collinear(series)}


def _jumps(values: dict[date, float]) -> list[dict[str, Any]]:
    periods, found = sorted(values), []
    place = AROUND
    while place <= len(periods) - AROUND:
        before = median(values[each] for each in periods[place - AROUND : place])
        after = median(values[each] for each in periods[place : place + AROUND])
        here, previous = values[periods[place]], values[periods[place - 1]]
        factor = after / before if before > 0 else math.inf if after > 0 else 1.0
        # the level moves here, and not a period earlier or later
        steep = here > 0 and previous > 0 and max(here / previous, previous / here) >= BREAK
        if (factor >= BREAK or factor <= 1 / BREAK) and math.isfinite(factor) and factor > 0 and steep:
            size = max(factor, 1 / factor)
            is_unit = any(unit / TOLERANCE <= size <= unit * TOLERANCE for unit in UNIT_FACTORS)
            found.append(
                {"period": periods[place].isoformat(), "factor": round(factor, 6), "is_unit": is_unit}
            )
            place += AROUND
        else:
            place += 1
    return found


def _collinear(series: Series) -> list[dict[str, Any]]:
    largest = sorted(series, key=lambda name: (-sum(series[name].values()), name))[:MAX_SERIES]
    pairs: list[dict[str, Any]] = []
    for one, other in combinations(sorted(largest), 2):
        both = sorted(series[one].keys() & series[other].keys())
        if len(both) < MIN_PERIODS:
            continue
        first, second = (np.array([series[name][each] for each in both]) for name in (one, other))
        first, second = first - first.mean(), second - second.mean()
        scale = math.sqrt(float((first**2).sum() * (second**2).sum()))
        correlation = float((first * second).sum()) / scale if scale > 0 else 0.0
        if abs(correlation) >= COLLINEAR:
            pairs.append({"series": [one, other], "correlation": round(correlation, 6), "periods": len(both)})
    return sorted(pairs, key=lambda pair: -abs(pair["correlation"]))[:100]
