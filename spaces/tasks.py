"""Celery tasks of spaces."""

import logging
import time
from uuid import UUID

from celery import shared_task

from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.embedding import EmbedderUnavailable
from liftos.kernel.jobs import send_hint
from spaces.concepts.relearning import relearn_concepts
from spaces.models import Space
from spaces.placement import layouts
from spaces.placement.building import Waiting, build_next, renew

logger = logging.getLogger("liftos.spaces")

# how long a worker waits for older transactions before it leaves the work to the sweep
PATIENCE_S = 10.0
PAUSE_S = 0.1


@shared_task(name=layouts.TASK)
def make_layouts(organisation: str) -> None:
    """Build an organisation's pending layouts, a batch at a time, then relearn its concepts."""
    until = time.monotonic() + PATIENCE_S
    while True:
        try:
            if not build_next(organisation=UUID(organisation)):
                break
        except Waiting:
            if time.monotonic() > until:
                return
            time.sleep(PAUSE_S)
    try:
        relearn_concepts(organisation=UUID(organisation))
    except EmbedderUnavailable:
        logger.warning("concepts not relearnt: the embedder is not available")


@shared_task(name="spaces.sweep")
def sweep() -> None:
    """Send the hints for pending work again, in case one was lost."""
    for organisation in layouts.list_organisations_with_layouts_to_make():
        send_hint(layouts.TASK, organisation)
    for organisation in layouts.list_organisations_with_outgrown_scales():
        send_hint(layouts.RENEW, organisation)


@shared_task(name=layouts.RENEW)
def renew_scales(organisation: str) -> None:
    """Recompute the outgrown scales of an organisation's spaces."""
    organisation_id = UUID(organisation)
    with tenant_transaction(organisation_id):
        spaces = list(Space.objects.filter(organisation_id=organisation_id).values_list("id", flat=True))
    try:
        for space in spaces:
            renew(organisation=organisation_id, space=space)
    except EmbedderUnavailable:
        return  # the sweep retries
