"""Snapshots of series, and their summary: totals, latest values, quantiles."""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

TagSet = tuple[tuple[str, str], ...]

_NS_PER_MS = 1e6


class Kind(StrEnum):
    """The kind of a series; the values are the keys of the summary's blocks."""

    COUNTER = "counters"
    GAUGE = "gauges"
    HISTOGRAM = "histograms"
    TIMER = "timers"


@dataclass(frozen=True, slots=True)
class SeriesSnapshot:
    """A copy of one series.

    Attributes:
        tags: sorted pairs.
        count: points recorded.
        total: their sum; for a timer in ns.
        minimum: of all points; for a timer in ns.
        maximum: likewise.
        last: the latest point.
        order: increases with the time of the latest point, across series.
        points: the latest raw points, oldest first; empty for counters and gauges.
    """

    kind: Kind
    name: str
    tags: TagSet
    count: int
    total: float
    minimum: float
    maximum: float
    last: float
    order: int
    points: tuple[float, ...]


def quantile(ordered: Sequence[float], q: float) -> float:
    """Return the q-quantile of sorted, non-empty values.

    Source: Hyndman & Fan 1996, definition 7 (linear between neighbours), numpy's default.
    """
    place = (len(ordered) - 1) * q
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def blocks_of(taken: Iterable[SeriesSnapshot]) -> dict[str, dict[str, Any]]:
    """Return the four blocks of `MetricsCollector.summary`, tag sets of one name taken together."""
    by_name: dict[Kind, dict[str, list[SeriesSnapshot]]] = {kind: defaultdict(list) for kind in Kind}
    for each in taken:
        by_name[each.kind][each.name].append(each)
    return {
        Kind.COUNTER.value: {
            name: sum(each.total for each in members) for name, members in by_name[Kind.COUNTER].items()
        },
        Kind.GAUGE.value: {
            name: max(members, key=lambda each: each.order).last
            for name, members in by_name[Kind.GAUGE].items()
        },
        Kind.HISTOGRAM.value: {
            name: _distribution(members, "", 1) for name, members in by_name[Kind.HISTOGRAM].items()
        },
        Kind.TIMER.value: {
            name: _distribution(members, "_ms", _NS_PER_MS) for name, members in by_name[Kind.TIMER].items()
        },
    }


def _distribution(members: list[SeriesSnapshot], unit: str, scale: float) -> dict[str, float]:
    ordered = sorted(point for each in members for point in each.points)
    count = sum(each.count for each in members)
    return {
        "count": count,
        f"min{unit}": min(each.minimum for each in members) / scale,
        f"max{unit}": max(each.maximum for each in members) / scale,
        f"mean{unit}": sum(each.total for each in members) / count / scale,
        f"p50{unit}": quantile(ordered, 0.5) / scale,
        f"p95{unit}": quantile(ordered, 0.95) / scale,
        f"p99{unit}": quantile(ordered, 0.99) / scale,
    }
