"""The workflow function that emits events of one's own."""

from dataclasses import replace
from typing import Any

from django.conf import settings
from pydantic import Field

from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.functions import Call, register
from liftos.kernel.http.strict import Strict
from liftos.kernel.outbox.inbox.cloudevents import OWN_SOURCE, read_event
from liftos.kernel.outbox.inbox.operations import receive
from liftos.kernel.tenancy.types import Scope
from memory.derivation import scope_within

SOURCE = f"{OWN_SOURCE}workflows"


class Emit(Strict):
    """An event of one's own: its type, what it is about, and its data."""

    type: str = Field(min_length=1, max_length=100)
    subject: str = Field(default="", max_length=200)
    data: Any = None


@register("event.emit", schema=Emit, scopes=[Scope.MEMORY_PROPOSE], derives=True, idempotent=True)
def emit(call: Call, arguments: Emit) -> dict[str, Any]:
    """Emit an event of a type of one's own, once for each step; who sees all memories that the workflow read receives it."""
    given = {"specversion": "1.0", "id": call.key, "source": "workflows", **arguments.model_dump()}
    given["subject"] = arguments.subject or None
    arrival = read_event(given, loc=("arguments",), most_bytes=settings.LIFTOS_EVENT_BYTES)
    with tenant_transaction(call.organisation):
        scope = scope_within(call.organisation, (*call.sources.memories, *call.sources.unnamed))
        received = receive(
            organisation=call.organisation, arrival=replace(arrival, source=SOURCE), scope_id=scope
        )
    return {"event_id": str(received.event), "id": received.id, "type": received.type}
