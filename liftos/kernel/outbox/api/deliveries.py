"""`/api/v1/webhooks/{webhook}/deliveries`: the log of what was sent."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel
from rest_framework.request import Request
from rest_framework.response import Response

from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.http.idempotency.once import once
from liftos.kernel.http.openapi import described
from liftos.kernel.http.pagination import PageQuery, page, page_of
from liftos.kernel.outbox.api.webhooks import WebhooksView
from liftos.kernel.outbox.models import Delivery
from liftos.kernel.outbox.types import DeliveryState
from liftos.kernel.outbox.webhooks import operations
from liftos.kernel.outbox.webhooks.queries import get_delivery, get_webhook, list_deliveries


class DeliveryQuery(PageQuery):
    """A page of deliveries, optionally of one state."""

    state: DeliveryState | None = None


class DeliveryOut(BaseModel):
    """A delivery; `status`, `error`, `answer` (its first 1,000 bytes) and `duration_ms` are of the last attempt."""

    id: UUID
    event_id: UUID
    type: str
    subject: str
    state: DeliveryState
    attempts: int
    created_at: datetime
    attempted_at: datetime | None
    next_attempt_at: datetime | None
    status: int | None
    error: str
    answer: str
    duration_ms: float | None


def shape(row: Delivery) -> dict[str, Any]:
    """Return a delivery as JSON-ready values."""
    return DeliveryOut(
        id=row.id,
        event_id=row.event_id,
        type=row.type,
        subject=row.subject,
        state=DeliveryState(row.state),
        attempts=row.attempts,
        created_at=row.recorded_at,
        attempted_at=row.attempted_at,
        next_attempt_at=row.due_at if row.state == DeliveryState.PENDING else None,
        status=row.status,
        error=row.error,
        answer=row.answer,
        duration_ms=row.duration_ms,
    ).model_dump(mode="json")


class DeliveriesView(WebhooksView):
    """A base of the views of deliveries."""

    def delivery(self, webhook: UUID, delivery: UUID) -> Response:
        """Return a delivery."""
        with tenant_transaction(self.organisation):
            get_webhook(organisation=self.organisation, webhook=webhook)
            row = get_delivery(organisation=self.organisation, webhook=webhook, delivery=delivery)
            return Response(shape(row))

    def answer_made(self, ids: dict[str, Any], webhook: UUID, delivery: UUID | None = None) -> Response:
        """Replay an answer with the current state of the delivery that the request made."""
        del delivery
        return self.delivery(webhook, UUID(ids["id"]))


class Deliveries(DeliveriesView):
    """The deliveries of a webhook."""

    @described("webhooks_deliveries_list", query=DeliveryQuery, responses={200: page_of(DeliveryOut)})
    def get(self, request: Request, webhook: UUID) -> Response:
        """List a webhook's deliveries of events that the caller may see, newest first."""
        query = self.query(DeliveryQuery)
        with tenant_transaction(self.organisation):
            get_webhook(organisation=self.organisation, webhook=webhook)
            rows = list_deliveries(
                organisation=self.organisation,
                webhook=webhook,
                state=query.state,
                limit=query.limit + 1,
                before=query.before,
            )
        return Response(page(request._request, rows, query.limit, [shape(each) for each in rows]))


class DeliveryDetail(DeliveriesView):
    """One delivery."""

    @described("webhooks_deliveries_get", responses={200: DeliveryOut})
    def get(self, request: Request, webhook: UUID, delivery: UUID) -> Response:
        """Return a delivery."""
        return self.delivery(webhook, delivery)


class Replay(DeliveriesView):
    """Another delivery of the same event."""

    @described("webhooks_deliveries_replay", responses={201: DeliveryOut})
    @once(anew=DeliveriesView.answer_made)
    def post(self, request: Request, webhook: UUID, delivery: UUID) -> Response:
        """Send a delivery's event again, under the same `webhook-id`."""
        made = operations.replay_delivery(principal=self.principal, webhook=webhook, delivery=delivery)
        return Response(shape(made), status=201)


class Ping(DeliveriesView):
    """A test event."""

    @described("webhooks_ping", responses={201: DeliveryOut})
    @once(anew=DeliveriesView.answer_made)
    def post(self, request: Request, webhook: UUID) -> Response:
        """Send a test event, `liftos.webhook.ping`, to this webhook alone; the delivery tells what came of it."""
        made = operations.ping_webhook(principal=self.principal, webhook=webhook)
        return Response(shape(made), status=201)
