"""Aggregation of minutes into hours, and deletion of old figures. Idempotent, also after missed or concurrent runs."""

from datetime import datetime, timedelta
from uuid import UUID

from liftos.kernel.db.transactions import raw_cursor, tenant_transaction

# minutes that arrive later than this after their hour (after a long database outage) are not aggregated
LATE = timedelta(hours=2)
# recent hours are recomputed from their minutes, which must all still exist
LEAST_MINUTES = timedelta(hours=4)

_ROLL_UP = """
WITH since AS (
    SELECT coalesce(max(hour), '-infinity') - %(late)s::interval AS hour
    FROM observability_operationhour WHERE organisation_id = %(organisation)s
), minutes AS (
    SELECT date_trunc('hour', minute, 'UTC') AS hour, operation, count, failures, total_ms, max_ms, buckets
    FROM observability_operationminute, since
    WHERE organisation_id = %(organisation)s AND minute >= since.hour
), buckets AS (
    SELECT hour, operation, array_agg(n ORDER BY place) AS buckets
    FROM (SELECT hour, operation, place, sum(n)::bigint AS n
          FROM minutes, unnest(buckets) WITH ORDINALITY AS b(n, place) GROUP BY hour, operation, place) AS summed
    GROUP BY hour, operation
)
INSERT INTO observability_operationhour
    (organisation_id, hour, operation, count, failures, total_ms, max_ms, buckets)
SELECT %(organisation)s, m.hour, m.operation, sum(m.count), sum(m.failures), sum(m.total_ms), max(m.max_ms), b.buckets
FROM minutes AS m JOIN buckets AS b USING (hour, operation)
GROUP BY m.hour, m.operation, b.buckets ORDER BY m.hour, m.operation
ON CONFLICT (organisation_id, hour, operation) DO UPDATE SET count = excluded.count, failures = excluded.failures,
    total_ms = excluded.total_ms, max_ms = excluded.max_ms, buckets = excluded.buckets
"""
_PRUNE_MINUTES = "DELETE FROM observability_operationminute WHERE organisation_id = %s AND minute < %s"
_PRUNE_HOURS = "DELETE FROM observability_operationhour WHERE organisation_id = %s AND hour < %s"


def roll_up(*, organisation: UUID, now: datetime, minutes_kept: timedelta, hours_kept: timedelta) -> None:
    """Aggregate an organisation's minutes into hours, then delete old rows.

    Args:
        organisation: a tenant.
        now: aware UTC.
        minutes_kept: retention of minutes, at least `LEAST_MINUTES`.
        hours_kept: retention of hours.

    Raises:
        ValueError: `minutes_kept` is too short for minutes to be aggregated first.
    """
    if minutes_kept < LEAST_MINUTES:
        raise ValueError("minutes must be kept for at least four hours")
    whole = now.replace(minute=0, second=0, microsecond=0)
    with tenant_transaction(organisation), raw_cursor() as cursor:
        # one run at a time: an older one must not overwrite a newer one's counts
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", (f"rollup {organisation}",))
        cursor.execute(_ROLL_UP, {"organisation": organisation, "late": LATE})
        cursor.execute(_PRUNE_MINUTES, (organisation, whole - minutes_kept))
        cursor.execute(_PRUNE_HOURS, (organisation, whole - hours_kept))
