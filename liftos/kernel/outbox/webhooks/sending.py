"""Sending of what waits for one webhook: load, send outside of any transaction, write the outcome."""

import json
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from time import monotonic, perf_counter
from typing import Any
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from liftos.kernel.db.transactions import raw_cursor, read_value, whole_tenant
from liftos.kernel.outbound import OutboundRefused, OutboundUnavailable, send
from liftos.kernel.outbox.models import Delivery, OutboxEvent, Webhook
from liftos.kernel.outbox.operations import SOURCE
from liftos.kernel.outbox.types import DeliveryState, envelope
from liftos.kernel.outbox.webhooks.backoff import delay_after
from liftos.kernel.outbox.webhooks.operations import PING, allowed_hosts
from liftos.kernel.outbox.webhooks.sight import sight_of_webhook
from liftos.kernel.outbox.webhooks.signing import headers
from liftos.kernel.outbox.webhooks.statements import CLAIM, GIVE_UP_OLD, NEXT, NOW, RELEASE, RENEW
from liftos.kernel.telemetry.metrics.events import DELIVERIES

KEPT_BYTES = 1_000
"""Bytes of a receiver's answer that are read and kept in the log."""
TURN_SECONDS = 30.0
"""How long a sender works for one receiver before others get its thread."""
LEASE_MARGIN_SECONDS = 5.0
GONE = 410
_GONE_EVENT = "the event is no longer kept"
_WITHHELD = "the webhook's owner may no longer see the event"


@dataclass(frozen=True, slots=True)
class Message:
    """A delivery that is about to be sent."""

    webhook: Webhook
    delivery: Delivery
    body: bytes


@dataclass(frozen=True, slots=True)
class Attempt:
    """The outcome of sending a message; `status` is None without an answer."""

    status: int | None
    error: str = ""
    answer: bytes = b""
    retry_after: str = ""
    duration_ms: float = 0.0

    @property
    def is_success(self) -> bool:
        """True if the receiver accepted the message."""
        return self.status is not None and 200 <= self.status < 300


def send_for(organisation: UUID, webhook: UUID) -> int:
    """Send what waits for a webhook until nothing is due, an attempt fails, or its turn ends; return the number of attempts."""
    lease = _claim(organisation, webhook)
    ends, count = monotonic() + TURN_SECONDS, 0
    while lease is not None and monotonic() < ends:
        message = _next(organisation, webhook)
        if message is None:
            break
        attempt = post(message)
        count += 1
        DELIVERIES.labels("delivered" if attempt.is_success else "failed").inc()
        _settle(message, attempt)
        if not attempt.is_success:
            break
        lease = _renew(organisation, webhook, lease)
    if lease is not None:
        _release(organisation, webhook, lease)
    return count


def post(message: Message) -> Attempt:
    """Post a message to its receiver: allowed hosts and public addresses only, no redirects, at most KEPT_BYTES of the answer."""
    webhook, now = message.webhook, timezone.now()
    salts = [webhook.salt]
    if webhook.former_until is not None and now < webhook.former_until:
        salts.append(webhook.former_salt)
    signed = headers(
        webhook.organisation_id,
        webhook.id,
        salts,
        message=str(message.delivery.event_id),
        timestamp=int(now.timestamp()),
        body=message.body,
    )
    started = perf_counter()
    try:
        answer = send(
            "POST",
            webhook.url,
            headers=signed | {"Content-Type": "application/cloudevents+json; charset=utf-8"},
            body=message.body,
            allowed=allowed_hosts(),
            deadline=monotonic() + settings.LIFTOS_WEBHOOK_TIMEOUT_SECONDS,
            beginning=KEPT_BYTES,
        )
    except (OutboundRefused, OutboundUnavailable) as error:
        attempt = Attempt(None, error.message)
    else:
        attempt = Attempt(
            answer.status, answer=answer.body, retry_after=answer.headers.get("retry-after", "").strip()
        )
    return replace(attempt, duration_ms=(perf_counter() - started) * 1e3)


def _values(organisation: UUID, webhook: UUID) -> dict[str, Any]:
    seconds = settings.LIFTOS_WEBHOOK_TIMEOUT_SECONDS + LEASE_MARGIN_SECONDS
    return {"organisation": organisation, "webhook": webhook, "seconds": seconds}


def _claim(organisation: UUID, webhook: UUID) -> datetime | None:
    with whole_tenant(organisation):
        return read_value(CLAIM, _values(organisation, webhook))


def _renew(organisation: UUID, webhook: UUID, lease: datetime) -> datetime | None:
    with whole_tenant(organisation):
        return read_value(RENEW, _values(organisation, webhook) | {"lease": lease})


def _release(organisation: UUID, webhook: UUID, lease: datetime) -> None:
    with whole_tenant(organisation):
        raw_cursor().execute(RELEASE, _values(organisation, webhook) | {"lease": lease})


def _next(organisation: UUID, webhook: UUID) -> Message | None:
    """Return the next message; deliveries that can't be sent any more are given up on the way."""
    with whole_tenant(organisation):
        row = Webhook.objects.filter(organisation_id=organisation, id=webhook).first()
        if row is None:
            return None
        while (found := read_value(NEXT, _values(organisation, webhook))) is not None:
            delivery = Delivery.objects.get(organisation_id=organisation, id=found)
            body = _body_of(row, delivery)
            if body is not None:
                return Message(row, delivery, body)
    return None


def _body_of(webhook: Webhook, delivery: Delivery) -> bytes | None:
    if delivery.type == PING:
        shown = envelope(
            id=delivery.event_id, type=PING, source=SOURCE, subject=f"webhooks/{webhook.id}", at=delivery.recorded_at,
            data={"webhook_id": str(webhook.id)}, correlation_id="", traceparent="", sequence=None,
        )  # fmt: skip
        return _dumped(shown)
    # read again: what was erased meanwhile is not sent
    event = OutboxEvent.objects.filter(organisation_id=webhook.organisation_id, id=delivery.event_id).first()
    if event is None:
        _give_up(delivery, _GONE_EVENT)
        return None
    if not sight_of_webhook(webhook).may_receive(event.type, event.scope_id):
        _give_up(delivery, _WITHHELD)
        return None
    return _dumped(event.envelope())


def _dumped(shown: dict[str, Any]) -> bytes:
    return json.dumps(shown, ensure_ascii=False, separators=(",", ":")).encode()


def _give_up(delivery: Delivery, why: str) -> None:
    delivery.state, delivery.error = DeliveryState.FAILED.value, why
    delivery.save(update_fields=["state", "error"])


def _settle(message: Message, attempt: Attempt) -> None:
    """Write an attempt's outcome and when the next one is due."""
    organisation = message.webhook.organisation_id
    with whole_tenant(organisation):
        now = read_value(NOW)
        rows = Delivery.objects.select_for_update().filter(
            organisation_id=organisation, id=message.delivery.id, state=DeliveryState.PENDING
        )
        webhooks = Webhook.objects.select_for_update().filter(
            organisation_id=organisation, id=message.webhook.id
        )
        webhook, row = webhooks.first(), rows.first()
        if webhook is None or row is None:
            return  # deleted meanwhile, or sent by the successor of a lost lease
        row.attempts += 1
        row.attempted_at, row.status, row.duration_ms = now, attempt.status, attempt.duration_ms
        row.error = attempt.error[:300]
        # Postgres can't store NUL
        row.answer = attempt.answer.decode("utf-8", "replace").replace("\x00", "\ufffd")
        if attempt.is_success:
            row.state, webhook.failures, webhook.due_at = DeliveryState.DELIVERED.value, 0, now
        else:
            _settle_failure(webhook, row, attempt, now)
        row.save()
        webhook.save(update_fields=["failures", "due_at", "disabled_at"])


def _settle_failure(webhook: Webhook, row: Delivery, attempt: Attempt, now: datetime) -> None:
    webhook.failures += 1
    if attempt.status == GONE:
        row.state, webhook.disabled_at = DeliveryState.FAILED.value, now
        return
    oldest = now - timedelta(days=settings.LIFTOS_WEBHOOK_RETRY_DAYS)
    delay = delay_after(max(row.attempts, 1), asked=attempt.retry_after)
    row.due_at = now + delay
    if row.recorded_at < oldest:
        row.state = DeliveryState.FAILED.value
        # the receiver has failed for longer than anything is kept for it: whatever is as old goes too
        values = {"organisation": webhook.organisation_id, "webhook": webhook.id, "before": oldest}
        raw_cursor().execute(GIVE_UP_OLD, values)
        delay = delay_after(webhook.failures)
    # a receiver that answered may accept other events: it is asked again soon. One that did not is left alone as long.
    webhook.due_at = now + (delay if attempt.status is None else min(delay, delay_after(webhook.failures)))
