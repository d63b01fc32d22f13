"""Queries for the figures of operations by minute or hour."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from liftos.kernel.db.transactions import raw_cursor
from liftos.kernel.telemetry.metrics.minutes import BOUNDS_MS

# rows per response
MOST = 10_000


class Step(StrEnum):
    """The length of an interval."""

    MINUTE = "minute"
    HOUR = "hour"


@dataclass(frozen=True, slots=True)
class Interval:
    """Figures of one operation in one minute or hour; times in ms, quantiles estimated from buckets.

    Attributes:
        at: start of the interval, aware UTC.
        operation: its name.
        count: successes and failures.
        failures: failures only.
        mean_ms: arithmetic mean.
        p50_ms: median, interpolated within its bucket; likewise p95_ms.
        max_ms: longest duration.
    """

    at: datetime
    operation: str
    count: int
    failures: int
    mean_ms: float
    p50_ms: float
    p95_ms: float
    max_ms: float

    @property
    def success_rate(self) -> float:
        """0 to 1."""
        return 1 - self.failures / self.count if self.count else 1.0


_READ = {
    step: f"""
SELECT f.{column}, f.operation, sum(f.count)::bigint, sum(f.failures)::bigint, sum(f.total_ms), max(f.max_ms),
       ARRAY(SELECT sum(g.buckets[place])::bigint FROM observability_operation{step} AS g, generate_series(1, %(places)s) AS place
             WHERE g.organisation_id = %(organisation)s AND g.{column} = f.{column} AND g.operation = f.operation
             GROUP BY place ORDER BY place)
FROM observability_operation{step} AS f
WHERE f.organisation_id = %(organisation)s AND f.{column} >= %(since)s AND f.{column} < %(until)s
  AND starts_with(f.operation, %(prefix)s)
GROUP BY f.{column}, f.operation ORDER BY f.{column}, f.operation LIMIT %(most)s
"""  # noqa: S608
    for step, column in ((Step.MINUTE, "minute"), (Step.HOUR, "hour"))
}


def read_intervals(
    *, organisation: UUID, step: Step, since: datetime, until: datetime, prefix: str = ""
) -> list[Interval]:
    """Return an organisation's intervals, earliest first, at most `MOST`; runs inside its transaction.

    Args:
        organisation: a tenant.
        step: minutes or hours.
        since: aware, inclusive.
        until: aware, exclusive.
        prefix: of the operations' names.
    """
    values = {
        "organisation": organisation, "since": since, "until": until, "prefix": prefix, "most": MOST,
        "places": len(BOUNDS_MS) + 1,
    }  # fmt: skip
    rows = raw_cursor().execute(_READ[step], values).fetchall()
    return [
        Interval(
            at,
            operation,
            count,
            failures,
            total / count,
            quantile_of(buckets, 0.5, longest),
            quantile_of(buckets, 0.95, longest),
            longest,
        )
        for at, operation, count, failures, total, longest, buckets in rows
    ]


def quantile_of(buckets: Sequence[int], q: float, longest: float) -> float:
    """Return the q-quantile in ms of durations counted in buckets, interpolated within a bucket; 0 if there are none.

    Args:
        buckets: counts, shape (len(BOUNDS_MS) + 1,).
        q: 0 to 1.
        longest: longest duration, ms; the upper bound of the last bucket.
    """
    wanted, below = q * sum(buckets), 0
    for place, count in enumerate(buckets):
        if count and below + count >= wanted:
            low = BOUNDS_MS[place - 1] if place else 0.0
            high = min(BOUNDS_MS[place], longest) if place < len(BOUNDS_MS) else longest
            return low + max(0.0, high - low) * (wanted - below) / count
        below += count
    return 0.0
