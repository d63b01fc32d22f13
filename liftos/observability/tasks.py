"""Background work on traces: load, then one operation."""

from celery import shared_task
from django.utils import timezone

from liftos.observability.operations import prune_traces
from liftos.observability.options import trace_options
from liftos.tenancy.models import Organisation


@shared_task(name="observability.prune_traces")
def prune_all_traces() -> None:
    """Delete the traces that are too old, organisation by organisation."""
    days, now = trace_options().retention_days, timezone.now()
    for organisation in Organisation.objects.values_list("id", flat=True):
        prune_traces(organisation=organisation, days=days, now=now)
