"""Celery tasks of the ledger and of calibration."""

import logging
from uuid import UUID

from celery import shared_task
from django.utils import timezone

from accountability.calibration.operations import calibrate, has_new_verdicts
from accountability.ledger.publishing import deliver_all
from accountability.ledger.sequencer import drain
from accountability.ledger.store import organisations_with_pending
from accountability.search.indexing import TASK, embed_next, has_pending
from liftos.kernel.embedding import EmbedderUnavailable
from liftos.kernel.jobs import send_hint
from liftos.kernel.tenancy.models import Organisation
from liftos.kernel.tenancy.types import SYSTEM

logger = logging.getLogger("liftos.ledger")


@shared_task(name="accountability.sequence")
def sequence_all() -> None:
    """Sequence the pending records of every organisation; a failure in one log does not stop the others."""
    for organisation in organisations_with_pending():
        sequence_one(organisation)


@shared_task(name="accountability.deliver_checkpoints")
def deliver_checkpoints() -> None:
    """Send new checkpoints to the configured destinations."""
    deliver_all()


def sequence_one(organisation: UUID) -> None:
    """Sequence one organisation's pending records."""
    try:
        drain(organisation=organisation)
    except Exception:
        logger.exception("sequencing failed", extra={"organisation": str(organisation)})


@shared_task(name="accountability.calibrate")
def calibrate_all() -> None:
    """Recalibrate each organisation that has new verdicts; a failure in one does not stop the others."""
    for organisation in Organisation.objects.values_list("id", flat=True):
        try:
            if has_new_verdicts(organisation=organisation):
                calibrate(organisation=organisation, by=SYSTEM, now=timezone.now())
        except Exception:
            logger.exception("calibration failed", extra={"organisation": str(organisation)})


@shared_task(name=TASK)
def embed_decisions(organisation: str) -> None:
    """Embed an organisation's indexed decisions; if the embedder is unavailable, leave them to the sweep."""
    try:
        while embed_next(organisation=UUID(organisation)):
            pass
    except EmbedderUnavailable:
        return


@shared_task(name="accountability.sweep_decisions")
def sweep_decisions() -> None:
    """Queue organisations with indexed decisions that lack a vector, in case a hint was lost."""
    for organisation in Organisation.objects.values_list("id", flat=True):
        try:
            pending = has_pending(organisation=organisation)
        except EmbedderUnavailable:
            return
        if pending:
            send_hint(TASK, organisation)
