"""Hints to workers. A hint says that there is work; what work, Postgres knows. Losing one costs time, nothing else."""

import logging
from uuid import UUID

from celery import current_app
from kombu.exceptions import OperationalError

logger = logging.getLogger("liftos.kernel.jobs")


def send_hint(task: str, organisation: UUID) -> None:
    """Tell a worker that an organisation has work of one kind; a broker that is away is logged and let be."""
    try:
        current_app.send_task(task, args=[str(organisation)], ignore_result=True)
    except (OperationalError, OSError):
        logger.warning("hint not sent; the sweep will find the work", extra={"task": task})
