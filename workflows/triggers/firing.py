"""Starting the runs of queued firings."""

from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone

from accountability.operations import record
from accountability.types import Effect, RiskClass
from liftos.kernel.db.transactions import raw_cursor, read_value, seen_by_current_viewer, whole_tenant
from liftos.kernel.db.viewers import viewing
from liftos.kernel.errors import LiftosError
from liftos.kernel.ids import as_uuid
from liftos.kernel.outbox.models import OutboxEvent
from liftos.kernel.outbox.webhooks.sight import Sight
from liftos.kernel.telemetry.tracing.context import start_context, use_context
from liftos.kernel.tenancy.queries import slug_by_id
from liftos.kernel.tenancy.types import Principal, Scope
from memory.queries import get_memories
from workflows.definition import Faulty, Unresolvable, resolve
from workflows.engine.runs import scope_of_start
from workflows.models import Firing, Trigger
from workflows.operations import start
from workflows.triggers.queries import owner_of, sight_of_trigger
from workflows.triggers.statements import (
    FIRED_WITHIN_A_MINUTE,
    NEXT_FIRING,
    ORGANISATIONS_WITH_FIRINGS,
    RECORD,
)
from workflows.types import FiringState

METHOD = "trigger.history"
MAX_PARAMETER_BYTES = 1_000_000


class Refused(Exception):
    """The firing starts no run."""

    def __init__(self, state: FiringState, reason: str) -> None:
        self.state, self.reason = state, reason
        super().__init__(reason)


def list_organisations_with_firings() -> list[UUID]:
    """Return the organisations with queued firings. Spans tenants through a definer function."""
    with connection.cursor() as cursor:
        cursor.execute(ORGANISATIONS_WITH_FIRINGS)
        return [row[0] for row in cursor.fetchall()]


def fire_all(*, organisation: UUID) -> int:
    """Settle an organisation's queued firings, each in its own transaction; return their number."""
    count = 0
    while fire_next(organisation=organisation):
        count += 1
    return count


def fire_next(*, organisation: UUID) -> bool:
    """Settle the oldest queued firing: start its run, or note why not; return False if none is queued."""
    with whole_tenant(organisation):
        found = read_value(NEXT_FIRING, [organisation])
        if found is None:
            return False
        firing = Firing.objects.select_related("trigger").get(organisation_id=organisation, id=found)
        try:
            # what the run causes is told by this id
            with use_context(start_context(firing.correlation_id)), transaction.atomic():
                firing.run_id, firing.decision_id = _fire(firing)
        except Refused as refused:
            firing.state, firing.reason = refused.state.value, refused.reason[:300]
        except Faulty as error:
            # without the faults' texts, which may quote a memory
            named = ", ".join(dict.fromkeys(fault.field for fault in error.faults))
            firing.state, firing.reason = (
                FiringState.FAILED.value,
                f"the parameters are invalid: {named}"[:300],
            )
        except (LiftosError, Unresolvable) as error:
            firing.state, firing.reason = FiringState.FAILED.value, str(error)[:300]
        else:
            firing.state = FiringState.FIRED.value
        firing.fired_at = timezone.now()
        firing.save()
    return True


def _fire(firing: Firing) -> tuple[UUID, UUID]:
    trigger, organisation = firing.trigger, firing.organisation_id
    sight = sight_of_trigger(trigger)
    _check(firing, trigger, sight)
    event = OutboxEvent.objects.filter(organisation_id=organisation, id=firing.event_id).first()
    if event is None:
        raise Refused(FiringState.FAILED, "the event is no longer kept")
    principal = Principal(
        organisation, slug_by_id(organisation), owner_of(trigger), sight.scopes, viewer=sight.viewer
    )
    with viewing(sight.viewer), seen_by_current_viewer():
        given = parameters_for(trigger, event.envelope())
        run = start(
            principal=principal,
            template=trigger.template,
            parameters=given,
            metadata={"trigger": trigger.name, "event_id": str(firing.event_id), "event_type": firing.type},
        )
        fired, overturned = _history(organisation, trigger)
        memory = as_uuid(event.data.get("memory_id")) if isinstance(event.data, dict) else None
        decision = record(
            organisation=organisation,
            by=principal.actor,
            operation="trigger.fire",
            effect=Effect.WRITE,
            risk_class=RiskClass.LIMITED,
            subject=("workflow_trigger", str(trigger.id)),
            reasoning=f"{firing.type} about {firing.subject} met the conditions of the trigger {trigger.name}, so "
            f"{trigger.template} was started. Of its last {fired} firings, {overturned} were overturned.",
            inputs={
                "event_id": str(firing.event_id),
                "event_type": firing.type,
                "conditions": sorted(trigger.conditions),
            },
            outputs={"run_id": str(run), "template": trigger.template, "firing_id": str(firing.id)},
            memories=[{"id": str(memory)}] if memory else [],
            # Laplace's rule of succession
            confidence=(fired - overturned + 1) / (fired + 2),
            confidence_method=METHOD,
            scope_id=scope_of_start(sight.viewer),
        )
    return run, decision


def _check(firing: Firing, trigger: Trigger, sight: Sight) -> None:
    if trigger.paused_at is not None:
        raise Refused(FiringState.SKIPPED, "the trigger is paused")
    if Scope.WORKFLOWS_RUN not in sight.scopes:
        raise Refused(FiringState.FAILED, "the trigger's owner may no longer start runs")
    if not sight.may_receive(firing.type, firing.scope_id):
        raise Refused(FiringState.FAILED, "the trigger's owner may no longer see the event")
    if firing.depth >= trigger.max_depth:
        raise Refused(
            FiringState.SKIPPED, f"{firing.depth} firings caused the event, one after another: a loop?"
        )
    if read_value(FIRED_WITHIN_A_MINUTE, [firing.organisation_id, trigger.id]) >= trigger.per_minute:
        raise Refused(FiringState.SKIPPED, f"the trigger had fired {trigger.per_minute} times in a minute")


def parameters_for(trigger: Trigger, event: dict[str, Any]) -> Any:
    """Return a run's parameters: references to the event and its memory, which is read now.

    Raises:
        Refused: the memory is gone, or the owner does not see it.
        Unresolvable: a reference names nothing.
    """
    values: dict[str, Any] = {"event": event}
    if "{memory" in str(trigger.parameters):
        data = event["data"] if isinstance(event["data"], dict) else {}
        memory = as_uuid(data.get("memory_id"))
        found = get_memories(organisation=trigger.organisation_id, memories=[memory]) if memory else {}
        if memory not in found:
            raise Refused(FiringState.FAILED, "there is no memory to read: it is gone, or not visible")
        row = found[memory]
        values["memory"] = {
            "id": str(row.id),
            "content": row.content,
            "metadata": row.metadata,
            "memory_type": row.memory_type,
            "source": row.source,
            "tags": list(row.tags),
        }
    return resolve(trigger.parameters, parameters=values, results={}, most=MAX_PARAMETER_BYTES)


def _history(organisation: UUID, trigger: Trigger) -> tuple[int, int]:
    row = raw_cursor().execute(RECORD, [organisation, trigger.id]).fetchone()
    return (0, 0) if row is None else (row[0], row[1])
