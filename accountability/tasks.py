"""Background work on the ledger."""

import logging
from uuid import UUID

from celery import shared_task
from django.utils import timezone

from accountability.calibration.operations import calibrate, has_new_verdicts
from accountability.ledger.publishing import deliver_all
from accountability.ledger.sequencer import drain
from accountability.ledger.store import organisations_with_pending
from liftos.kernel.tenancy.models import Organisation
from liftos.kernel.tenancy.types import SYSTEM

logger = logging.getLogger("liftos.ledger")


@shared_task(name="accountability.sequence")
def sequence_all() -> None:
    """Give every waiting record its place, organisation by organisation; one log's fault does not hold up the others."""
    for organisation in organisations_with_pending():
        sequence_one(organisation)


@shared_task(name="accountability.deliver_checkpoints")
def deliver_checkpoints() -> None:
    """Send new checkpoints where the settings say."""
    deliver_all()


def sequence_one(organisation: UUID) -> None:
    """Drain one organisation's queue."""
    try:
        drain(organisation=organisation)
    except Exception:
        logger.exception("the log could not be continued", extra={"organisation": str(organisation)})


@shared_task(name="accountability.calibrate")
def calibrate_all() -> None:
    """Learn anew from the verdicts of each organisation that has new ones; one's fault does not hold up the others."""
    for organisation in Organisation.objects.values_list("id", flat=True):
        try:
            if has_new_verdicts(organisation=organisation):
                calibrate(organisation=organisation, by=SYSTEM, now=timezone.now())
        except Exception:
            logger.exception("confidences could not be calibrated", extra={"organisation": str(organisation)})
