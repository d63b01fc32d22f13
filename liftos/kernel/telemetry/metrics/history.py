"""Reads about how operations went: from minutes, or from hours."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from liftos.kernel.db.transactions import raw_cursor
from liftos.kernel.telemetry.metrics.minutes import BOUNDS_MS

# rows in one answer
MOST = 10_000


class Step(StrEnum):
    """How fine."""

    MINUTE = "minute"
    HOUR = "hour"


@dataclass(frozen=True, slots=True)
class Interval:
    """How one operation went in one minute or hour; times in ms, quantiles by the buckets' bounds.

    Attributes:
        at: its beginning, aware UTC.
        operation: its name.
        count: ended, well or not.
        failures: of these.
        mean_ms: arithmetic mean.
        p50_ms: median, linear within its bucket; likewise p95_ms.
        max_ms: the longest that was seen.
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


# one text for each step: names of our own
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
    """Return how operations went, earliest first, `MOST` at most; runs inside the organisation's transaction.

    Args:
        organisation: whose.
        step: minutes or hours.
        since: aware, inclusive.
        until: aware, exclusive.
        prefix: only operations whose name begins so.
    """
    values = {
        "organisation": organisation, "since": since, "until": until, "prefix": prefix, "most": MOST,
        "places": len(BOUNDS_MS) + 1,
    }  # fmt: skip
    with raw_cursor() as cursor:
        rows = cursor.execute(_READ[step], values).fetchall()
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
    """Return the q-quantile in ms of durations counted in buckets, linear within a bucket; 0 without any.

    Args:
        buckets: counts, shape (len(BOUNDS_MS) + 1,).
        q: 0 to 1.
        longest: the longest duration, ms: nothing lies above.
    """
    wanted, below = q * sum(buckets), 0
    for place, count in enumerate(buckets):
        if count and below + count >= wanted:
            low = BOUNDS_MS[place - 1] if place else 0.0
            high = min(BOUNDS_MS[place], longest) if place < len(BOUNDS_MS) else longest
            return low + max(0.0, high - low) * (wanted - below) / count
        below += count
    return 0.0
