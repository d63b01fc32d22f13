"""Reads of webhooks and deliveries, inside the caller's tenant transaction."""

from uuid import UUID

from liftos.kernel.outbox.models import Delivery, Webhook
from liftos.kernel.outbox.types import DeliveryState
from liftos.kernel.outbox.webhooks.errors import DeliveryNotFound, WebhookNotFound


def get_webhook(*, organisation: UUID, webhook: UUID, lock: bool = False) -> Webhook:
    """Return a webhook, optionally locked until the transaction ends.

    Raises:
        WebhookNotFound: there is none in this organisation.
    """
    rows = Webhook.objects.filter(organisation_id=organisation, id=webhook)
    row = (rows.select_for_update() if lock else rows).first()
    if row is None:
        raise WebhookNotFound
    return row


def list_webhooks(*, organisation: UUID, limit: int, before: UUID | None) -> list[Webhook]:
    """Return webhooks, newest first; `before` is the id to continue after."""
    rows = Webhook.objects.filter(organisation_id=organisation).order_by("-id")
    return list((rows.filter(id__lt=before) if before else rows)[:limit])


def get_delivery(*, organisation: UUID, webhook: UUID, delivery: UUID) -> Delivery:
    """Return a webhook's delivery.

    Raises:
        DeliveryNotFound: it has none that the viewer sees.
    """
    row = Delivery.objects.filter(organisation_id=organisation, webhook_id=webhook, id=delivery).first()
    if row is None:
        raise DeliveryNotFound
    return row


def list_deliveries(
    *, organisation: UUID, webhook: UUID, state: DeliveryState | None, limit: int, before: UUID | None
) -> list[Delivery]:
    """Return a webhook's deliveries that the viewer sees, newest first.

    Args:
        organisation: the tenant.
        webhook: its id.
        state: only these; None for all.
        limit: page size.
        before: the id to continue after.
    """
    rows = Delivery.objects.filter(organisation_id=organisation, webhook_id=webhook).order_by("-id")
    if state is not None:
        rows = rows.filter(state=state)
    return list((rows.filter(id__lt=before) if before else rows)[:limit])
