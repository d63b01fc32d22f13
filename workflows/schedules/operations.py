"""Changes of schedules; each is a decision, in the same transaction."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction

from accountability.operations import record
from accountability.types import Effect, RiskClass
from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.errors import InvalidInput, PermissionDenied
from liftos.kernel.functions import find_function, function_names
from liftos.kernel.suggestions import unknown
from liftos.kernel.telemetry.manager import observe_operation
from liftos.kernel.tenancy.types import Principal, Scope
from workflows.definition import Definition, Unresolvable, bind_parameters, parse, resolve
from workflows.definition.plan import Plan
from workflows.definition.references import references
from workflows.engine.runs import load_plan
from workflows.engine.starting import require_scopes
from workflows.errors import ScheduleExists
from workflows.models import Schedule, Template, Tick
from workflows.publishing.shipped import NAMES as SHIPPED
from workflows.publishing.shipped import shipped_template
from workflows.queries import find_version
from workflows.schedules.cron import (
    InvalidCron,
    UnknownZone,
    check_cron,
    read_zone,
    shortest_interval,
    ticks_after,
    zones_near,
)
from workflows.schedules.queries import database_now, get_schedule
from workflows.schedules.ticking import FIRST_DAY, add_ticks, values_of
from workflows.types import CatchUp, Overlap

FIELDS = ("name", "cron", "timezone", "template", "parameters", "overlap", "catch_up", "jitter_seconds")
OF_TIME = frozenset({"cron", "timezone"})
ROOT = "tick"
MAX_JITTER = 86_400
MAX_PARAMETER_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class ScheduleDraft:
    """A schedule as its owner wants it."""

    name: str
    cron: str
    template: str
    timezone: str = "UTC"
    parameters: dict[str, Any] = field(default_factory=dict)
    overlap: str = Overlap.SKIP.value
    catch_up: str = CatchUp.LATEST.value
    jitter_seconds: int = 0


def create_schedule(*, principal: Principal, draft: ScheduleDraft) -> Schedule:
    """Create a schedule, which has its creator's authority, from now on.

    Raises:
        ScheduleExists: the name is taken.
        LiftosError: see `check_draft`.
    """
    organisation = principal.organisation
    with _observed("create", organisation), tenant_transaction(organisation):
        now = database_now()
        check_draft(principal, draft, now=now)
        row = Schedule(organisation_id=organisation)
        _write(row, principal, draft)
        _move_on(row, now)
        _record(principal, row, "create", f"Created: {row.cron} ({row.timezone}) starts {row.template}.")
    return row


def change_schedule(*, principal: Principal, schedule: UUID, changes: dict[str, Any]) -> Schedule:
    """Change a schedule. From now on it has the authority of whoever changed it; ticks that are due already stay.

    Raises:
        ScheduleNotFound: there is none in this organisation.
        ScheduleExists, LiftosError: as for `create_schedule`.
    """
    organisation = principal.organisation
    with _observed("change", organisation), tenant_transaction(organisation):
        row, now = get_schedule(organisation=organisation, schedule=schedule, lock=True), database_now()
        draft = ScheduleDraft(**{name: changes.get(name, getattr(row, name)) for name in FIELDS})
        check_draft(principal, draft, now=now)
        _write(row, principal, draft)
        if OF_TIME & changes.keys():
            _move_on(row, now)
        _record(principal, row, "change", f"Changed: {', '.join(sorted(changes))}.")
    return row


def delete_schedule(*, principal: Principal, schedule: UUID) -> None:
    """Delete a schedule and its ticks; their runs and decisions stay.

    Raises:
        ScheduleNotFound: there is none in this organisation.
    """
    organisation = principal.organisation
    with _observed("delete", organisation), tenant_transaction(organisation):
        row = get_schedule(organisation=organisation, schedule=schedule, lock=True)
        _record(principal, row, "delete", "It was deleted.")
        Tick.objects.filter(organisation_id=organisation, schedule_id=row.id).delete()
        row.delete()


def set_paused(*, principal: Principal, schedule: UUID, paused: bool) -> Schedule:
    """Pause a schedule, or resume it: ticks in between are left out, those that were due already wait. Without a change, nothing is recorded.

    Raises:
        ScheduleNotFound: there is none in this organisation.
    """
    organisation, verb = principal.organisation, "pause" if paused else "resume"
    with _observed(verb, organisation), tenant_transaction(organisation):
        row = get_schedule(organisation=organisation, schedule=schedule, lock=True)
        if (row.paused_at is not None) != paused:
            now = database_now()
            row.paused_at = now if paused else None
            row.save(update_fields=["paused_at"])
            _move_on(row, now)
            _record(principal, row, verb, "Paused." if paused else "Resumed.")
    return row


def backfill(*, principal: Principal, schedule: UUID, since: datetime, until: datetime) -> tuple[int, int]:
    """Queue the ticks of a past range; those already recorded are not run again. The runs start one after another.

    Args:
        principal: the caller.
        schedule: its id.
        since: aware; a tick at this moment is part of the range.
        until: aware, not before `since`, not in the future; likewise.

    Returns:
        The number of ticks queued, and of those already recorded.

    Raises:
        ScheduleNotFound: there is none in this organisation.
        InvalidInput: the range is empty, lies in the future, or has more than LIFTOS_SCHEDULE_BACKFILL_LIMIT ticks.
        PermissionDenied: the caller may not start the template's runs.
    """
    organisation, most = principal.organisation, int(settings.LIFTOS_SCHEDULE_BACKFILL_LIMIT)
    with _observed("backfill", organisation), tenant_transaction(organisation):
        row = get_schedule(organisation=organisation, schedule=schedule, lock=True)
        if since < FIRST_DAY:
            raise InvalidInput(f"since must not be before {FIRST_DAY:%Y-%m-%d}.", loc=("since",))
        if until < since:
            raise InvalidInput("until must not be before since.", loc=("until",))
        if until > database_now():
            raise InvalidInput("until must not be in the future.", loc=("until",))
        _check_template(principal, row.template)
        times = ticks_after(cron=row.cron, zone=read_zone(row.timezone), after=since - timedelta.resolution)
        found = []
        for each in islice(times, most + 1):
            if each > until:
                break
            found.append(each)
        if len(found) > most:
            raise InvalidInput(
                f"The range has more than {most} ticks (LIFTOS_SCHEDULE_BACKFILL_LIMIT).", loc=("since",)
            )
        queued = add_ticks(row, found, in_turn=True)
        _record(
            principal, row, "backfill",
            f"{queued} of the {len(found)} ticks from {since:%Y-%m-%d %H:%M} to {until:%Y-%m-%d %H:%M} UTC were queued.",
        )  # fmt: skip
    return queued, len(found) - queued


def check_draft(principal: Principal, draft: ScheduleDraft, *, now: datetime) -> None:
    """Check a schedule before it is written; inside a tenant transaction.

    Raises:
        InvalidInput: the expression, the zone or a reference is invalid, or the ticks are too close; `loc` names the field.
        TemplateNotFound, TemplateRetired, NotPublished: there is no version to run.
        Faulty: the parameters do not fit the template's schema.
        PermissionDenied: the caller may not start the template's runs.
    """
    try:
        check_cron(draft.cron)
    except InvalidCron as error:
        raise InvalidInput(f"cron {error}.", loc=("cron",)) from error
    try:
        zone = read_zone(draft.timezone)
    except UnknownZone as error:
        raise InvalidInput(
            unknown("time zone", draft.timezone, zones_near(draft.timezone)), loc=("timezone",)
        ) from error
    if not 0 <= draft.jitter_seconds <= MAX_JITTER:
        raise InvalidInput(f"jitter_seconds must be from 0 to {MAX_JITTER}.", loc=("jitter_seconds",))
    least, shortest = settings.LIFTOS_SCHEDULE_MIN_SECONDS, shortest_interval(cron=draft.cron, after=now)
    if shortest is not None and shortest.total_seconds() < least:
        raise InvalidInput(
            f"cron has ticks {shortest.total_seconds():g} s apart; at least {least:g} s are required (LIFTOS_SCHEDULE_MIN_SECONDS).",
            loc=("cron",),
        )
    for at, reference in references(draft.parameters):
        if reference.name != ROOT or reference.kind != "parameter":
            raise InvalidInput(f"{{{reference.text}}} does not name the tick.", loc=("parameters", *at))
    definition = _check_template(principal, draft.template)
    tick = next(ticks_after(cron=draft.cron, zone=zone, after=now), now)
    try:
        given = resolve(
            draft.parameters, parameters={ROOT: values_of(tick, zone)}, results={}, most=MAX_PARAMETER_BYTES
        )
    except Unresolvable as error:
        raise InvalidInput(error.message, loc=("parameters",)) from error
    bind_parameters(definition, given)


def _check_template(principal: Principal, template: str) -> Definition:
    """Return the definition that the next run follows, if the caller may run it."""
    if not principal.may(Scope.WORKFLOWS_RUN):
        raise PermissionDenied(f"A schedule starts runs, which needs the scope {Scope.WORKFLOWS_RUN}.")
    shipped = shipped_template(template)
    # an organisation's copy may have been changed since
    if (
        shipped is not None
        and not Template.objects.filter(organisation_id=principal.organisation, name=template).exists()
    ):
        plan = Plan(parse(shipped, functions=find_function, names=function_names))
    else:
        version, _ = find_version(organisation=principal.organisation, name=template, others=SHIPPED)
        plan = load_plan(principal.organisation, version)
    require_scopes(principal, plan)
    return plan.definition


def _write(row: Schedule, principal: Principal, draft: ScheduleDraft) -> None:
    for name in FIELDS:
        setattr(row, name, getattr(draft, name))
    row.owner_kind, row.owner_id = str(principal.actor.kind), principal.actor.id
    row.acts_as, row.groups = principal.viewer.principal, principal.viewer.listed_groups
    row.scopes = sorted(str(each) for each in principal.scopes)
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError as error:
        raise ScheduleExists(loc=("name",)) from error


def _move_on(row: Schedule, now: datetime) -> None:
    """Set a schedule's next tick: the first after now, or none while it is paused."""
    times = ticks_after(cron=row.cron, zone=read_zone(row.timezone), after=now)
    row.next_at = None if row.paused_at is not None else next(times, None)
    row.save(update_fields=["next_at"])
    row.refresh_from_db()


def _observed(verb: str, organisation: UUID) -> Any:
    return observe_operation(f"schedule.{verb}", organisation=str(organisation))


def _record(principal: Principal, row: Schedule, verb: str, reasoning: str) -> None:
    record(
        organisation=principal.organisation,
        by=principal.actor,
        operation=f"schedule.{verb}",
        effect=Effect.DELETE if verb == "delete" else Effect.WRITE,
        risk_class=RiskClass.LIMITED,
        subject=("workflow_schedule", str(row.id)),
        reasoning=f"{row.name}. {reasoning}",
        inputs={"cron": row.cron, "timezone": row.timezone, "template": row.template},
    )
