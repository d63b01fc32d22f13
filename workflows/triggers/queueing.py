"""The subscriber that queues firings, and the dry run of a trigger."""

from collections.abc import Sequence
from uuid import UUID, uuid4

from django.db import transaction

from liftos.kernel.db.binary import TextArray
from liftos.kernel.db.transactions import raw_cursor, read_value, seen_by_current_viewer
from liftos.kernel.db.viewers import viewing
from liftos.kernel.ids import new_id
from liftos.kernel.jobs import send_hint
from liftos.kernel.outbox.catalogue import is_wanted
from liftos.kernel.outbox.relay import read_after
from liftos.kernel.outbox.types import Event
from workflows.models import Trigger
from workflows.triggers.conditions import meets, read_conditions
from workflows.triggers.queries import sight_of_trigger
from workflows.triggers.statements import ADD_FIRINGS, CAUSES, LATEST_EVENTS

SUBSCRIBER = "triggers"
FIRE = "workflows.fire"


def queue_firings(organisation: UUID, events: Sequence[Event]) -> None:
    """Queue a firing for each trigger and event that meets its conditions. See `subscribers.Handler`."""
    found: list[tuple[Trigger, Event]] = []
    for trigger in Trigger.objects.filter(organisation_id=organisation, paused_at=None):
        fresh = [each for each in events if each.sequence > trigger.since]
        found += [(trigger, event) for event in matching(trigger, fresh)]
    if not found:
        return
    correlations = list({event.correlation_id for _, event in found})
    depths: dict[str, int] = dict(raw_cursor().execute(CAUSES, [organisation, correlations]).fetchall())
    raw_cursor().execute(
        ADD_FIRINGS,
        {
            "organisation": organisation,
            "ids": [new_id() for _ in found],
            "triggers": [trigger.id for trigger, _ in found],
            "events": [event.id for _, event in found],
            "types": TextArray(event.type for _, event in found),
            "subjects": TextArray(event.subject for _, event in found),
            "depths": [depths.get(event.correlation_id, -1) + 1 for _, event in found],
            "correlations": TextArray(str(uuid4()) for _ in found),
            "scopes": [event.scope_id for _, event in found],
        },
    )
    transaction.on_commit(lambda: send_hint(FIRE, organisation))


def matching(trigger: Trigger, events: Sequence[Event]) -> list[Event]:
    """Return the events that meet a trigger's conditions and that its owner may receive now; inside a tenant transaction."""
    wanted = [each for each in events if is_wanted(each.type, [trigger.event])]
    if not wanted:
        return []
    sight, conditions = sight_of_trigger(trigger), read_conditions(trigger.conditions)
    wanted = [each for each in wanted if sight.may_receive(each.type, each.scope_id)]
    with viewing(sight.viewer), seen_by_current_viewer():
        return [each for each in wanted if meets(conditions, each)]


def dry_run(trigger: Trigger, *, last: int) -> tuple[int, list[Event]]:
    """Return how many of the last events were looked at, and those that would have fired a trigger; inside a tenant transaction.

    Only events that the viewer sees; conditions are tested against memories as they are now.
    """
    after = read_value(LATEST_EVENTS, [trigger.organisation_id, last])
    events = read_after(organisation=trigger.organisation_id, sequence=after, limit=last)
    return len(events), matching(trigger, events)
