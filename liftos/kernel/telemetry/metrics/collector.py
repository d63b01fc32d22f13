"""Counters, gauges, histograms and timers of this process: readable at once, bounded in memory."""

import math
import os
import threading
import time
import weakref
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import TracebackType
from typing import Any, Self, overload

TagSet = tuple[tuple[str, str], ...]

FOLDED: TagSet = (("other", "true"),)
"""The tag set that stands for all those for which there was no room."""

_NS_PER_MS = 1e6
_collectors: "weakref.WeakSet[MetricsCollector]" = weakref.WeakSet()


class Kind(StrEnum):
    """What a series means; the values are the names of the summary's blocks."""

    COUNTER = "counters"
    GAUGE = "gauges"
    HISTOGRAM = "histograms"
    TIMER = "timers"


@dataclass(frozen=True, slots=True)
class SeriesSnapshot:
    """One series at one moment, for whoever aggregates or exports.

    Attributes:
        tags: sorted pairs.
        count: points ever recorded.
        total: their sum; for a timer in ns.
        minimum: of all points ever; for a timer in ns.
        maximum: likewise.
        last: the latest point.
        order: rises with the time of the latest point, across series.
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


class Series:
    """A name with one set of tags; `record` adds a point. Made by `MetricsCollector.series` and good for ever."""

    __slots__ = (
        "_collector", "_lock", "count", "kind", "last", "maximum", "minimum",
        "name", "points", "tags", "total", "touched",
    )  # fmt: skip

    def __init__(self, collector: "MetricsCollector", kind: Kind, name: str, tags: TagSet) -> None:
        self._collector = collector
        self._lock = collector._lock
        self.kind = kind
        self.name = name
        self.tags = tags
        self.count = 0
        self.total: float = 0
        self.minimum: float = math.inf
        self.maximum: float = -math.inf
        self.last: float = 0
        self.touched = 0
        raw = kind is Kind.HISTOGRAM or kind is Kind.TIMER
        self.points: deque[float] | None = deque(maxlen=collector.per_series) if raw else None

    def record(self, value: float = 1) -> None:
        """Add one point: a counter's increment, a gauge's level, a histogram's value, a timer's ns."""
        collector, points = self._collector, self.points
        with self._lock:
            if value - value != 0:  # not a number, or infinite
                collector.refused_points += 1
                return
            collector._recorded += 1
            self.count += 1
            self.total += value
            self.last = value
            self.touched = collector._recorded
            if points is None:
                return
            if value < self.minimum:  # noqa: PLR1730  the builtins take twice as long
                self.minimum = value
            if value > self.maximum:  # noqa: PLR1730
                self.maximum = value
            if len(points) < collector.per_series:
                if collector._raw >= collector.max_points:
                    collector._make_room()
                collector._raw += 1
            points.append(value)


class Timing:
    """Times a `with` block into a series, however the block ends."""

    __slots__ = ("_clock_ns", "_series", "_start_ns", "duration_ns")

    def __init__(self, series: Series, clock_ns: Callable[[], int]) -> None:
        self._series = series
        self._clock_ns = clock_ns
        self.duration_ns = 0

    def __enter__(self) -> Self:
        """Start the clock."""
        self._start_ns = self._clock_ns()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Record the time since; an exception goes on its way."""
        self.duration_ns = self._clock_ns() - self._start_ns
        self._series.record(self.duration_ns)


class MetricsCollector:
    """Thread-safe metrics by name and tags.

    Counts, sums, minima and maxima are exact and for ever. Raw points, which quantiles need, are the last
    `per_series` of a series and `max_points` together: when those are full, the series longest without a point
    lose their oldest first, and each keeps its last. Tag sets beyond three quarters of `max_series` are folded
    into one series of their name, names beyond `max_series` into the name `other`; `folded_points` counts what
    went there. A value that is not finite is refused and counted in `refused_points`.

    Tags are few and of few values (organisation, function), never ids of single things.
    """

    def __init__(
        self,
        service_name: str = "memory",
        max_points: int = 50_000,
        per_series: int = 1_000,
        *,
        max_series: int = 2_000,
        clock_ns: Callable[[], int] = time.perf_counter_ns,
        wall: Callable[[], float] = time.time,
    ) -> None:
        """Make an empty collector.

        Args:
            service_name: shown in the summary.
            max_points: raw points kept in all, more than `max_series`.
            per_series: raw points kept of one series, at least 1.
            max_series: different (kind, name, tags) kept, at least 8.
            clock_ns: monotonic, ns; for timers as context managers.
            wall: unix time, seconds.

        Raises:
            ValueError: a bound that leaves no room.
        """
        if max_series < 8 or per_series < 1 or max_points <= max_series:
            raise ValueError("need max_series >= 8, per_series >= 1 and max_points > max_series")
        self.service_name = service_name
        self.max_points = max_points
        self.per_series = per_series
        self.max_series = max_series
        self.last_aggregation = wall()
        self.refused_points = 0
        self._clock_ns = clock_ns
        self._lock = threading.Lock()
        self._series: dict[tuple[Kind, str, TagSet], Series] = {}
        self._recorded = 0
        self._raw = 0
        _collectors.add(self)

    def series(self, kind: Kind, name: str, tags: Mapping[str, Any] | None = None) -> Series:
        """Return the series to record into, made when new; keep it where the same one is used often."""
        tag_set = tuple(sorted((key, str(value)) for key, value in tags.items())) if tags else ()
        found = self._series.get((kind, name, tag_set))
        if found is not None:
            return found
        with self._lock:
            room = len(self._series)
            if tag_set and room >= self.max_series * 3 // 4:
                tag_set = FOLDED
            if (kind, name, tag_set) not in self._series and room >= self.max_series - len(Kind):
                name, tag_set = "other", FOLDED
            key = kind, name, tag_set
            return self._series.get(key) or self._series.setdefault(key, Series(self, *key))

    def counter(self, name: str, /, value: float = 1, **tags: Any) -> None:
        """Add `value` to a count."""
        self.series(Kind.COUNTER, name, tags).record(value)

    def gauge(self, name: str, /, value: float, **tags: Any) -> None:
        """Set a level; the last one counts."""
        self.series(Kind.GAUGE, name, tags).record(value)

    def histogram(self, name: str, /, value: float, **tags: Any) -> None:
        """Add one value to a distribution."""
        self.series(Kind.HISTOGRAM, name, tags).record(value)

    @overload
    def timer(self, name: str, /, duration_ns: int, **tags: Any) -> None: ...
    @overload
    def timer(self, name: str, /, duration_ns: None = None, **tags: Any) -> Timing: ...
    def timer(self, name: str, /, duration_ns: int | None = None, **tags: Any) -> Timing | None:
        """Add a duration in ns, or, without one, return a context manager that measures its block."""
        series = self.series(Kind.TIMER, name, tags)
        if duration_ns is None:
            return Timing(series, self._clock_ns)
        series.record(duration_ns)
        return None

    def _make_room(self) -> None:
        # Called with the lock held. A hundredth at a time, so that looking for the idlest series costs little a point.
        wanted = max(1, self.max_points // 100)
        for series in sorted(self._series.values(), key=lambda each: each.touched):
            points = series.points
            while points is not None and len(points) > 1:
                points.popleft()
                self._raw -= 1
                wanted -= 1
                if not wanted:
                    return

    @property
    def raw_points(self) -> int:
        """Raw points held now, at most `max_points`."""
        return self._raw

    @property
    def folded_points(self) -> int:
        """Points recorded under a folded tag set for want of room."""
        with self._lock:
            return sum(series.count for series in self._series.values() if series.tags == FOLDED)

    def snapshot(self, where: Mapping[str, str] | None = None) -> list[SeriesSnapshot]:
        """Return all series at one moment, those whose tags include `where`, by kind, name and tags."""
        wanted = set((where or {}).items())
        with self._lock:
            taken = [
                SeriesSnapshot(
                    series.kind, series.name, series.tags, series.count, series.total, series.minimum,
                    series.maximum, series.last, series.touched, tuple(series.points or ()),
                )
                for series in self._series.values()
                if series.count and wanted.issubset(series.tags)
            ]  # fmt: skip
        return sorted(taken, key=lambda each: (each.kind, each.name, each.tags))

    def mark_aggregated(self, at: float) -> None:
        """Note when aggregates were last written down; unix time, seconds."""
        self.last_aggregation = at

    def summary(self, split_by: str = "", where: Mapping[str, str] | None = None) -> dict[str, Any]:
        """Return what was recorded, tag sets of one name taken together.

        Args:
            split_by: a tag; adds `groups`, the four blocks for each of its values (series without it under "").
            where: only series that carry these tags.

        Returns:
            service_name, counters, gauges (the latest), histograms, timers (ms; quantiles over raw points, the rest
            over all), total_metrics (points recorded), last_aggregation (unix seconds; when the collector
            was made, if nothing was written down yet).
        """
        taken = self.snapshot(where)
        result: dict[str, Any] = {
            "service_name": self.service_name,
            **_blocks(taken),
            "total_metrics": sum(each.count for each in taken),
            "last_aggregation": self.last_aggregation,
        }
        if split_by:
            groups: dict[str, list[SeriesSnapshot]] = defaultdict(list)
            for each in taken:
                groups[dict(each.tags).get(split_by, "")].append(each)
            result["split_by"] = split_by
            result["groups"] = {value: _blocks(members) for value, members in sorted(groups.items())}
        return result


def quantile(ordered: Sequence[float], q: float) -> float:
    """Return the q-quantile of sorted, non-empty values.

    Source: Hyndman & Fan 1996, definition 7 (linear between neighbours), numpy's default.
    """
    place = (len(ordered) - 1) * q
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def _blocks(taken: Iterable[SeriesSnapshot]) -> dict[str, dict[str, Any]]:
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


def _after_fork() -> None:
    # The thread that held a lock at the fork does not exist in the child.
    for collector in _collectors:
        collector._lock = threading.Lock()
        for series in collector._series.values():
            series._lock = collector._lock


os.register_at_fork(after_in_child=_after_fork)
