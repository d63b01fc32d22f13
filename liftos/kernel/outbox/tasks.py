"""Celery tasks of events: retention, and the relay's start in each worker."""

from datetime import timedelta
from typing import Any

from celery import shared_task, signals
from django.conf import settings
from django.utils import timezone

from liftos.kernel.outbox.pruning import list_organisations_with_old_events, prune
from liftos.kernel.outbox.worker import RELAY


@shared_task(name="events.prune")
def prune_all() -> None:
    """Delete events that are older than LIFTOS_EVENTS_RETENTION_DAYS."""
    before = timezone.now() - timedelta(days=settings.LIFTOS_EVENTS_RETENTION_DAYS)
    for organisation in list_organisations_with_old_events(before):
        prune(organisation=organisation, before=before)


@signals.worker_ready.connect
def start_relay(**kwargs: Any) -> None:
    """Start to relay."""
    del kwargs
    RELAY.start()


@signals.worker_shutdown.connect
def stop_relay(**kwargs: Any) -> None:
    """Finish what is being relayed."""
    del kwargs
    RELAY.stop()
