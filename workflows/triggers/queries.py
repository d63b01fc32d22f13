"""Reads of triggers and firings, inside the caller's tenant transaction."""

from uuid import UUID

from liftos.kernel.db.rows import newest
from liftos.kernel.outbox.webhooks.sight import Sight, sight_of
from liftos.kernel.tenancy.types import Actor, ActorKind
from workflows.errors import TriggerNotFound
from workflows.models import Firing, Trigger


def get_trigger(*, organisation: UUID, trigger: UUID, lock: bool = False) -> Trigger:
    """Return a trigger, optionally locked until the transaction ends.

    Raises:
        TriggerNotFound: there is none in this organisation.
    """
    rows = Trigger.objects.filter(organisation_id=organisation, id=trigger)
    row = (rows.select_for_update() if lock else rows).first()
    if row is None:
        raise TriggerNotFound
    return row


def list_triggers(*, organisation: UUID, limit: int, before: UUID | None) -> list[Trigger]:
    """Return triggers, newest first."""
    return newest(Trigger.objects.filter(organisation_id=organisation), limit, before)


def list_firings(*, organisation: UUID, trigger: UUID, limit: int, before: UUID | None) -> list[Firing]:
    """Return a trigger's firings by events that the viewer sees, newest first."""
    return newest(Firing.objects.filter(organisation_id=organisation, trigger_id=trigger), limit, before)


def owner_of(trigger: Trigger) -> Actor:
    """Return whose authority a trigger has."""
    return Actor(ActorKind(trigger.owner_kind), trigger.owner_id)


def sight_of_trigger(trigger: Trigger) -> Sight:
    """Return the rights and the view that a trigger has now."""
    return sight_of(
        organisation=trigger.organisation_id,
        owner=owner_of(trigger),
        acts_as=trigger.acts_as,
        groups=trigger.groups,
        scopes=trigger.scopes,
    )
