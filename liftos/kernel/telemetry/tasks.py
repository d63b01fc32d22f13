"""Scheduled maintenance of traces and figures."""

from datetime import timedelta

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from liftos.kernel.telemetry.metrics.rollup import roll_up
from liftos.kernel.telemetry.storage.operations import prune_traces
from liftos.kernel.telemetry.tracing.options import trace_options
from liftos.kernel.tenancy.models import Organisation


@shared_task(name="observability.prune_traces")
def prune_all_traces() -> None:
    """Delete every organisation's old traces."""
    days, now = trace_options().retention_days, timezone.now()
    for organisation in Organisation.objects.values_list("id", flat=True):
        prune_traces(organisation=organisation, days=days, now=now)


@shared_task(name="observability.roll_up")
def roll_up_all() -> None:
    """Aggregate every organisation's minutes into hours and delete old figures."""
    now = timezone.now()
    for organisation in Organisation.objects.values_list("id", flat=True):
        roll_up(
            organisation=organisation,
            now=now,
            minutes_kept=timedelta(hours=settings.LIFTOS_METRICS_MINUTE_HOURS),
            hours_kept=timedelta(days=settings.LIFTOS_METRICS_HOUR_DAYS),
        )
