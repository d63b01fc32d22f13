"""Deletion of stored traces."""

from datetime import datetime, timedelta
from uuid import UUID

from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.telemetry.models import TraceRecord

# rows per transaction: a first run over months of traces must not hold locks for minutes
BATCH = 5_000


def prune_traces(*, organisation: UUID, days: int, now: datetime) -> int:
    """Delete an organisation's traces older than `days`; return how many."""
    old = TraceRecord.objects.filter(
        organisation_id=organisation, recorded_at__lt=now - timedelta(days=days)
    ).order_by("recorded_at")
    pruned = 0
    while True:
        with tenant_transaction(organisation):
            deleted, _ = TraceRecord.objects.filter(
                id__in=list(old.values_list("id", flat=True)[:BATCH])
            ).delete()
        pruned += deleted
        if deleted < BATCH:
            return pruned
