"""The relay: puts committed events in order, and gives them to subscribers.

Each organisation's events get consecutive sequence numbers in the order in which they are seen committed, in transactions that hold
the organisation's stream, so that numbers also become visible in order: whoever has read up to a number has missed nothing.
"""

import json
import logging
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection

from liftos.kernel.db.transactions import raw_cursor, read_value, whole_tenant
from liftos.kernel.ids import new_id
from liftos.kernel.outbox.statements import (
    ADD_CURSOR,
    ADD_STREAM,
    FAIL_CURSOR,
    LOCK_CURSOR,
    LOCK_STREAM,
    MOVE_CURSOR,
    ORGANISATIONS_WITH_EVENTS,
    READ_AFTER,
    SEQUENCE,
)
from liftos.kernel.outbox.subscribers import Subscriber, subscribers
from liftos.kernel.outbox.types import Event
from liftos.kernel.telemetry.metrics.events import RELAYED, SUBSCRIBER_FAILURES

logger = logging.getLogger("liftos.events")


def relay_all(*, retry: bool = True) -> int:
    """Relay the events of every organisation that has some; return how many were put in order.

    Args:
        retry: also look for organisations whose subscribers are behind.
    """
    names = sorted(subscribers()) if retry else []
    with connection.cursor() as cursor:
        cursor.execute(ORGANISATIONS_WITH_EVENTS, [names])
        organisations = [row[0] for row in cursor.fetchall()]
    return sum(relay(organisation=each) for each in organisations)


def relay(*, organisation: UUID) -> int:
    """Put an organisation's waiting events in order, give them to its subscribers, and return how many there were."""
    count = 0
    while True:
        placed = put_in_order(organisation=organisation)
        for each in subscribers().values():
            while deliver(organisation=organisation, subscriber=each):
                pass
        count += placed
        if placed < settings.LIFTOS_EVENTS_BATCH:
            return count


def put_in_order(*, organisation: UUID) -> int:
    """Number at most LIFTOS_EVENTS_BATCH waiting events; return how many, 0 also if another process is at it."""
    with whole_tenant(organisation):
        last = read_value(LOCK_STREAM, [organisation])
        if last is None:
            raw_cursor().execute(ADD_STREAM, [new_id(), organisation])
            last = read_value(LOCK_STREAM, [organisation])
        if last is None:
            return 0
        values = {"organisation": organisation, "last": last, "limit": settings.LIFTOS_EVENTS_BATCH}
        placed = int(read_value(SEQUENCE, values))
    RELAYED.inc(placed)
    return placed


def deliver(*, organisation: UUID, subscriber: Subscriber) -> bool:
    """Give a subscriber its next events; return whether there may be more for it now."""
    try:
        moved, full = _deliver(organisation, subscriber, settings.LIFTOS_EVENTS_BATCH)
    except Exception:
        # one by one, so that those before the one that fails are handled
        logger.warning("a subscriber failed", extra={"subscriber": subscriber.name}, exc_info=True)
        return _deliver_singly(organisation, subscriber)
    return moved and full


def _deliver_singly(organisation: UUID, subscriber: Subscriber) -> bool:
    for _ in range(settings.LIFTOS_EVENTS_BATCH):
        try:
            moved, _ = _deliver(organisation, subscriber, 1)
        except Exception as error:
            SUBSCRIBER_FAILURES.labels(subscriber.name).inc()
            logger.exception("a subscriber failed; retrying later", extra={"subscriber": subscriber.name})
            with whole_tenant(organisation):
                values = [type(error).__name__[:100], organisation, subscriber.name]
                raw_cursor().execute(ADD_CURSOR, [new_id(), organisation, subscriber.name])
                raw_cursor().execute(FAIL_CURSOR, values)
            return False
        if not moved:
            return False
    return True


def _deliver(organisation: UUID, subscriber: Subscriber, limit: int) -> tuple[bool, bool]:
    """Return whether the subscriber's position moved, and whether as many events as asked for were there."""
    with whole_tenant(organisation):
        raw_cursor().execute(ADD_CURSOR, [new_id(), organisation, subscriber.name])
        position = read_value(LOCK_CURSOR, [organisation, subscriber.name])
        if position is None:
            return False, False
        events = read_after(organisation=organisation, sequence=position, limit=limit)
        if not events:
            return False, False
        wanted = [each for each in events if subscriber.wants(each)]
        if wanted:
            subscriber.handler(organisation, wanted)
        raw_cursor().execute(MOVE_CURSOR, [events[-1].sequence, organisation, subscriber.name])
    return True, len(events) == limit


def read_after(*, organisation: UUID, sequence: int, limit: int) -> Sequence[Event]:
    """Return an organisation's events after a sequence number, as far as the viewer sees them; inside a tenant transaction."""
    rows = raw_cursor().execute(READ_AFTER, [organisation, sequence, limit]).fetchall()
    return [_event(*row) for row in rows]


def _event(*row: Any) -> Event:
    *before, data, at, correlation_id, traceparent, scope_id, external_id, attributes = row
    organisation, sequence, id_, type_, source, subject = before
    return Event(
        organisation,
        sequence,
        id_,
        type_,
        source,
        subject,
        json.loads(data),
        at,
        correlation_id,
        traceparent,
        scope_id,
        external_id,
        json.loads(attributes),
    )
