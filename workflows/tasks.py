"""Celery tasks: hints to execute steps, retention, and the keeper's start in each worker."""

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
from workflows.schedules.ticking import list_organisations_with_due, prune_ticks, run_due
from workflows.triggers.firing import fire_all, list_organisations_with_firings
from workflows.triggers.queueing import FIRE


@shared_task(name="workflows.work")
def work(organisation: str) -> None:
    """Execute an organisation's ready steps, if there are any."""
    take_turn(UUID(organisation))


@shared_task(name=FIRE)
def fire(organisation: str) -> None:
    """Start the runs of an organisation's queued firings."""
    fire_all(organisation=UUID(organisation))


@shared_task(name="workflows.sweep_firings")
def sweep_firings() -> None:
    """Start the runs of firings whose hint was lost."""
    for organisation in list_organisations_with_firings():
        fire_all(organisation=organisation)


@shared_task(name="workflows.run_schedules")
def run_schedules() -> None:
    """Start the runs of due schedules. Any number of these at once, in any number of workers, start each run once."""
    for organisation in list_organisations_with_due():
        run_due(organisation=organisation)


@shared_task(name="workflows.prune_runs")
def prune_runs() -> None:
    """Delete runs that ended longer ago than LIFTOS_WORKFLOW_RETENTION_DAYS, and as old ticks."""
    before = timezone.now() - timedelta(days=settings.LIFTOS_WORKFLOW_RETENTION_DAYS)
    for organisation in list_organisations_with_runs_ended_before(before):
        while prune(organisation=organisation, before=before):
            pass
        prune_ticks(organisation=organisation, before=before)


@signals.worker_ready.connect
def keep_watch(**kwargs: Any) -> None:
    """Start looking for dropped steps without waiting for a first hint."""
    KEEPER.start()
