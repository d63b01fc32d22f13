"""Writing events from outside into the outbox, each once."""

from typing import Any
from uuid import UUID

from liftos.kernel.db.jsonb import to_jsonb
from liftos.kernel.db.transactions import able_to_write, raw_cursor, read_value, tenant_transaction
from liftos.kernel.db.viewers import ORGANISATION_SCOPE
from liftos.kernel.ids import new_id
from liftos.kernel.outbox.inbox.errors import EventIdTaken
from liftos.kernel.outbox.inbox.types import Arrival, Received
from liftos.kernel.outbox.statements import (
    ADD_ARRIVAL,
    BECOME_MEMORY,
    ERASE_ARRIVALS,
    FIND_ARRIVAL,
    WITHDRAW_ARRIVAL,
)
from liftos.kernel.telemetry.metrics.events import RECEIVED
from liftos.kernel.telemetry.tracing.context import current_context


def receive(*, organisation: UUID, arrival: Arrival, scope_id: int = ORGANISATION_SCOPE) -> Received:
    """Write an event into the outbox; return the earlier one if it arrived before. Inside a tenant transaction or not.

    Concurrent arrivals of one event wait for each other.

    Args:
        organisation: the tenant.
        arrival: the event.
        scope_id: who may see it.

    Raises:
        EventIdTaken: an event that the caller may not see has its source and id.
    """
    context = current_context()
    values: dict[str, Any] = {
        "organisation": organisation,
        "id": new_id(),
        "type": arrival.type,
        "source": arrival.source,
        "subject": arrival.subject,
        "data": to_jsonb(arrival.data),
        "attributes": to_jsonb(arrival.attributes),
        "external_id": arrival.id,
        "correlation_id": arrival.correlation_id or context.correlation_id,
        "traceparent": arrival.traceparent or context.traceparent,
        "scope": scope_id,
    }
    with tenant_transaction(organisation), able_to_write([scope_id]):
        made = read_value(ADD_ARRIVAL, values)
    RECEIVED.labels("duplicate" if made is None else "new").inc()
    if made is None:
        return _earlier(organisation, arrival)
    return Received(made, arrival.id, arrival.source, arrival.type, None, duplicate=False)


def become_memory(*, organisation: UUID, event: UUID, memory: UUID, scope_id: int) -> None:
    """Have an event that has just arrived say which memory it became, instead of the data; inside the transaction of its arrival."""
    data = to_jsonb({"memory_id": str(memory)})
    with able_to_write([ORGANISATION_SCOPE, scope_id]):
        raw_cursor().execute(BECOME_MEMORY, [data, memory, scope_id, organisation, event])


def withdraw(*, organisation: UUID, event: UUID) -> None:
    """Delete an event that has just arrived, because its memory is refused; inside the transaction of its arrival."""
    raw_cursor().execute(WITHDRAW_ARRIVAL, [organisation, event])


def erase_arrivals(*, organisation: UUID, scope_id: int) -> None:
    """Erase what the events of an access scope say, because its only reader leaves; in a transaction that sees the whole tenant."""
    raw_cursor().execute(ERASE_ARRIVALS, [organisation, scope_id])


def _earlier(organisation: UUID, arrival: Arrival) -> Received:
    with tenant_transaction(organisation):
        row = raw_cursor().execute(FIND_ARRIVAL, [organisation, arrival.source, arrival.id]).fetchone()
    if row is None:
        raise EventIdTaken
    return Received(row[0], arrival.id, arrival.source, row[1], row[2], duplicate=True)
