"""Deletion of old events and deliveries."""

from datetime import datetime
from uuid import UUID

from django.db import connection

from liftos.kernel.db.transactions import raw_cursor, read_value, whole_tenant
from liftos.kernel.outbox.statements import HANDLED_BY_ALL, ORGANISATIONS_WITH_OLD_EVENTS, PRUNE
from liftos.kernel.outbox.subscribers import subscribers
from liftos.kernel.outbox.webhooks.statements import PRUNE_DELIVERIES

BATCH = 5_000


def list_organisations_with_old_events(before: datetime) -> list[UUID]:
    """Return the organisations with events or deliveries from before a time. Spans tenants through a definer function."""
    with connection.cursor() as cursor:
        cursor.execute(ORGANISATIONS_WITH_OLD_EVENTS, [before])
        return [row[0] for row in cursor.fetchall()]


def prune(*, organisation: UUID, before: datetime) -> int:
    """Delete events that were emitted before a time and handled by every subscriber, and deliveries that ended; return their number.

    Events that the relay has not put in order stay, whatever their age.
    """
    removed = 0
    while True:
        with whole_tenant(organisation):
            values = {"organisation": organisation, "before": before, "limit": BATCH}
            values["handled"] = read_value(HANDLED_BY_ALL, {**values, "names": sorted(subscribers())})
            count = raw_cursor().execute(PRUNE, values).rowcount
            ended = raw_cursor().execute(PRUNE_DELIVERIES, values).rowcount
        removed += count + ended
        if max(count, ended) < BATCH:
            return removed
