"""Hints that arrive by Celery, and the watch that every worker keeps."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from celery import shared_task, signals
from django.conf import settings
from django.utils import timezone

from workflows.engine.keeper import KEEPER
from workflows.engine.slots import take_turn
from workflows.queries import list_organisations_with_runs_ended_before
from workflows.runs.retention import prune


@shared_task(name="workflows.work")
def work(organisation: str) -> None:
    """Carry out what is ready in an organisation; a hint for nothing finds nothing."""
    take_turn(UUID(organisation))


@shared_task(name="workflows.prune_runs")
def prune_runs() -> None:
    """Remove runs whose end is longer ago than they are kept."""
    before = timezone.now() - timedelta(days=settings.LIFTOS_WORKFLOW_RETENTION_DAYS)
    for organisation in list_organisations_with_runs_ended_before(before):
        while prune(organisation=organisation, before=before):
            pass


@signals.worker_ready.connect
def keep_watch(**kwargs: Any) -> None:
    """Begin to look for dropped work, before any hint has come."""
    del kwargs
    KEEPER.start()
