"""Counters, gauges, histograms and timers of this process, bounded in memory."""

import math
import os
import threading
import time
import weakref
from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Self

from liftos.kernel.telemetry.metrics.summary import Kind, SeriesSnapshot, TagSet, blocks_of

FOLDED: TagSet = (("other", "true"),)
"""The tag set shared by series beyond the limit."""

_collectors: "weakref.WeakSet[MetricsCollector]" = weakref.WeakSet()


class Series:
    """A name with one set of tags; created by `MetricsCollector.series`, never removed."""

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
        """Record the elapsed time; exceptions propagate."""
        self.duration_ns = self._clock_ns() - self._start_ns
        self._series.record(self.duration_ns)


class MetricsCollector:
    """Thread-safe metrics by name and tags.

    Counts, sums, minima and maxima are exact. Raw points, used for quantiles, are limited to the last `per_series` of a
    series and to `max_points` overall: beyond that, the series updated least recently lose their oldest points, but
    each keeps its last. Tag sets beyond three quarters of `max_series` are folded into one series per name, names
    beyond `max_series` into the name `other`. Values that are not finite are
    rejected and counted in `refused_points`.

    Use few tags with few values (organisation, function), never ids of rows.
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
        """Create an empty collector.

        Args:
            service_name: shown in the summary.
            max_points: raw points kept in total, more than `max_series`.
            per_series: raw points kept per series, at least 1.
            max_series: distinct (kind, name, tags), at least 8.
            clock_ns: monotonic, ns; for timers as context managers.
            wall: Unix time, seconds.

        Raises:
            ValueError: a limit is too small.
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
        """Return a series, created on first use; keep a reference where it is used often."""
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

    def _make_room(self) -> None:
        # Called with the lock held. Frees a hundredth at a time to spread the cost of sorting the series.
        wanted = max(1, self.max_points // 100)
        for series in sorted(self._series.values(), key=lambda each: each.touched):
            points = series.points
            while points is not None and len(points) > 1:
                points.popleft()
                self._raw -= 1
                wanted -= 1
                if not wanted:
                    return

    def snapshot(self, where: Mapping[str, str] | None = None) -> list[SeriesSnapshot]:
        """Return a consistent copy of the series whose tags include `where`, sorted by kind, name and tags."""
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
        """Set the time of the last stored aggregates, Unix seconds."""
        self.last_aggregation = at

    def summary(self, split_by: str = "", where: Mapping[str, str] | None = None) -> dict[str, Any]:
        """Return a summary by name, with tag sets merged.

        Args:
            split_by: a tag; adds `groups`, the four blocks per value of it (series without it under "").
            where: only series with these tags.

        Returns:
            service_name, counters, gauges (latest value), histograms, timers (ms; quantiles over raw points, the rest
            over all), total_metrics (points recorded), last_aggregation (Unix seconds; initially the collector's
            creation).
        """
        taken = self.snapshot(where)
        result: dict[str, Any] = {
            "service_name": self.service_name,
            **blocks_of(taken),
            "total_metrics": sum(each.count for each in taken),
            "last_aggregation": self.last_aggregation,
        }
        if split_by:
            groups: dict[str, list[SeriesSnapshot]] = defaultdict(list)
            for each in taken:
                groups[dict(each.tags).get(split_by, "")].append(each)
            result["split_by"] = split_by
            result["groups"] = {value: blocks_of(members) for value, members in sorted(groups.items())}
        return result


def _after_fork() -> None:
    # a thread that held the lock at the fork does not exist in the child
    for collector in _collectors:
        collector._lock = threading.Lock()
        for series in collector._series.values():
            series._lock = collector._lock


os.register_at_fork(after_in_child=_after_fork)
