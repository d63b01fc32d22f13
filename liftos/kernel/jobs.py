"""Hints that wake workers. The work itself is stored in Postgres, so a lost hint only causes a delay."""

import logging
from uuid import UUID

from celery import current_app
from kombu.exceptions import OperationalError

logger = logging.getLogger("liftos.kernel.jobs")


def send_hint(task: str, organisation: UUID) -> None:
    """Send a worker a hint that an organisation has work. If the broker is unavailable, log a warning."""
    try:
        current_app.send_task(task, args=[str(organisation)], ignore_result=True)
    except (OperationalError, OSError):
        logger.warning("hint not sent; the next sweep will find the work", extra={"task": task})
