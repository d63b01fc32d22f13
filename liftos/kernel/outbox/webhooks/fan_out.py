"""The subscriber that queues each event for the webhooks that receive it."""

from collections.abc import Sequence
from uuid import UUID

from liftos.kernel.db.binary import TextArray
from liftos.kernel.db.transactions import raw_cursor, seen_by_current_viewer
from liftos.kernel.db.viewers import Viewer, viewing
from liftos.kernel.ids import as_uuid, new_id
from liftos.kernel.outbox.catalogue import is_wanted
from liftos.kernel.outbox.models import Webhook
from liftos.kernel.outbox.types import Event
from liftos.kernel.outbox.webhooks.sight import sight_of_webhook
from liftos.kernel.outbox.webhooks.statements import ADD_DELIVERIES
from liftos.kernel.ports import memory_filters

SUBSCRIBER = "webhooks"


def fan_out(organisation: UUID, events: Sequence[Event]) -> None:
    """Queue events for every webhook that wants them and whose owner may receive them. See `subscribers.Handler`."""
    rows: list[tuple[Webhook, Event]] = []
    for webhook in Webhook.objects.filter(organisation_id=organisation, disabled_at=None):
        rows += [(webhook, event) for event in _wanted(webhook, events)]
    if not rows:
        return
    raw_cursor().execute(
        ADD_DELIVERIES,
        {
            "organisation": organisation,
            "ids": [new_id() for _ in rows],
            "webhooks": [webhook.id for webhook, _ in rows],
            "events": [event.id for _, event in rows],
            "sequences": [event.sequence for _, event in rows],
            "types": TextArray(event.type for _, event in rows),
            "subjects": TextArray(event.subject for _, event in rows),
            "scopes": [event.scope_id for _, event in rows],
        },
    )


def _wanted(webhook: Webhook, events: Sequence[Event]) -> list[Event]:
    found = [
        each for each in events if each.sequence > webhook.since and is_wanted(each.type, webhook.events)
    ]
    if not found:
        return []
    sight = sight_of_webhook(webhook)
    found = [each for each in found if sight.may_receive(each.type, each.scope_id)]
    if webhook.filters is None or not found:
        return found
    named = {each.id: memory_of(each) for each in found}
    memories = {each for each in named.values() if each is not None}
    passing = matching(webhook.organisation_id, sight.viewer, webhook.filters, memories)
    return [each for each in found if named[each.id] in passing]


def memory_of(event: Event) -> UUID | None:
    """Return the memory that an event is about."""
    return as_uuid(event.data.get("memory_id")) if isinstance(event.data, dict) else None


def matching(organisation: UUID, viewer: Viewer, filters: object, memories: set[UUID]) -> set[UUID]:
    """Return those of some memories that pass filters and that a viewer sees; inside a tenant transaction."""
    if not memories:
        return set()
    with viewing(viewer), seen_by_current_viewer():
        return memory_filters().passing(organisation, filters, memories)
