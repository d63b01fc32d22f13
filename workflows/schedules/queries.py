"""Reads of schedules and ticks, inside the caller's tenant transaction."""

from datetime import datetime
from itertools import islice
from uuid import UUID

from liftos.kernel.db.rows import newest
from liftos.kernel.db.transactions import read_value
from liftos.kernel.outbox.webhooks.sight import Sight, sight_of
from liftos.kernel.tenancy.types import Actor, ActorKind
from workflows.errors import ScheduleNotFound
from workflows.models import Schedule, Tick
from workflows.schedules.cron import read_zone, ticks_after
from workflows.schedules.statements import NOW

SHOWN = 5


def database_now() -> datetime:
    """Return the database's time."""
    now: datetime = read_value(NOW)
    return now


def get_schedule(*, organisation: UUID, schedule: UUID, lock: bool = False) -> Schedule:
    """Return a schedule, optionally locked until the transaction ends.

    Raises:
        ScheduleNotFound: there is none in this organisation.
    """
    rows = Schedule.objects.filter(organisation_id=organisation, id=schedule)
    row = (rows.select_for_update() if lock else rows).first()
    if row is None:
        raise ScheduleNotFound
    return row


def list_schedules(*, organisation: UUID, limit: int, before: UUID | None) -> list[Schedule]:
    """Return schedules, newest first."""
    return newest(Schedule.objects.filter(organisation_id=organisation), limit, before)


def list_ticks(*, organisation: UUID, schedule: UUID, limit: int, before: UUID | None) -> list[Tick]:
    """Return a schedule's ticks, newest first."""
    return newest(Tick.objects.filter(organisation_id=organisation, schedule_id=schedule), limit, before)


def next_ticks(schedule: Schedule, *, now: datetime) -> list[datetime]:
    """Return the next five ticks of a schedule, in its zone; none while it is paused."""
    if schedule.paused_at is not None:
        return []
    zone = read_zone(schedule.timezone)
    times = ticks_after(cron=schedule.cron, zone=zone, after=now)
    return [each.astimezone(zone) for each in islice(times, SHOWN)]


def owner_of(schedule: Schedule) -> Actor:
    """Return whose authority a schedule has."""
    return Actor(ActorKind(schedule.owner_kind), schedule.owner_id)


def sight_of_schedule(schedule: Schedule) -> Sight:
    """Return the rights and the view that a schedule has now."""
    return sight_of(
        organisation=schedule.organisation_id,
        owner=owner_of(schedule),
        acts_as=schedule.acts_as,
        groups=schedule.groups,
        scopes=schedule.scopes,
    )
