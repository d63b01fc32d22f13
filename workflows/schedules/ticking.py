"""Ticks that are due: written as rows, then settled by starting their runs."""

from collections import deque
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from uuid import UUID
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import connection, transaction

from accountability.operations import record
from accountability.types import Effect, RiskClass
from liftos.kernel.db.transactions import (
    raw_cursor,
    read_column,
    read_value,
    seen_by_current_viewer,
    whole_tenant,
)
from liftos.kernel.db.viewers import viewing
from liftos.kernel.errors import LiftosError
from liftos.kernel.ids import new_id
from liftos.kernel.telemetry.tracing.context import start_context, use_context
from liftos.kernel.tenancy.queries import slug_by_id
from liftos.kernel.tenancy.types import Principal, Scope
from workflows.definition import Faulty, resolve
from workflows.engine.runs import scope_of_start
from workflows.models import Schedule, Tick
from workflows.operations import start
from workflows.runs.controls import cancel
from workflows.schedules.cron import read_zone, ticks_after
from workflows.schedules.queries import database_now, owner_of, sight_of_schedule
from workflows.schedules.statements import (
    ADD_TICKS,
    NEXT_DUE,
    NEXT_TICK,
    NEXT_TO_SETTLE,
    OPEN_RUNS,
    ORGANISATIONS_WITH_DUE,
    PRUNE_TICKS,
)
from workflows.types import CatchUp, Overlap, TickState

FIRST_DAY = datetime(1970, 1, 1, tzinfo=UTC)
MAX_PARAMETER_BYTES = 1_000_000


class Refused(Exception):
    """The tick starts no run."""

    def __init__(self, state: TickState, reason: str) -> None:
        self.state, self.reason = state, reason
        super().__init__(reason)


def list_organisations_with_due() -> list[UUID]:
    """Return the organisations with due schedules or ticks. Spans tenants through a definer function."""
    with connection.cursor() as cursor:
        cursor.execute(ORGANISATIONS_WITH_DUE)
        return [row[0] for row in cursor.fetchall()]


def run_due(*, organisation: UUID) -> int:
    """Write and settle an organisation's due ticks, each step in its own transaction; return the number of ticks settled."""
    while plan_next(organisation=organisation):
        pass
    count = 0
    while (settled := settle_next(organisation=organisation)) is not None:
        count += settled
    return count


def plan_next(*, organisation: UUID) -> bool:
    """Write the due ticks of one schedule, by its catch-up policy, and move it on; return False if none is due."""
    with whole_tenant(organisation):
        found = read_value(NEXT_DUE, [organisation])
        if found is None:
            return False
        row = Schedule.objects.get(organisation_id=organisation, id=found)
        now, most = database_now(), int(settings.LIFTOS_SCHEDULE_CATCH_UP_LIMIT)
        latest: deque[datetime] = deque(maxlen=most + 1)
        count, row_next = 0, None
        for each in _from(row, row.next_at or now):
            if each > now:
                row_next = each
                break
            latest.append(each)
            count += 1
        is_late = now - latest[-1] > timedelta(seconds=settings.LIFTOS_SCHEDULE_GRACE_SECONDS)
        keep = {CatchUp.ALL: most, CatchUp.LATEST: 1, CatchUp.NONE: 0 if is_late else 1}[
            CatchUp(row.catch_up)
        ]
        split = max(len(latest) - keep, 0)
        left_out, kept = list(latest)[:split], list(latest)[split:]
        if left_out:
            add_ticks(row, left_out[-1:], missed=count - len(kept))
        add_ticks(row, kept[:-1], in_turn=True)
        add_ticks(row, kept[-1:])
        row.next_at = row_next
        row.save(update_fields=["next_at"])
    return True


def _from(row: Schedule, first: datetime) -> Iterator[datetime]:
    after = first - timedelta.resolution
    return ticks_after(cron=row.cron, zone=read_zone(row.timezone), after=after)


def add_ticks(row: Schedule, times: Sequence[datetime], *, in_turn: bool = False, missed: int = 0) -> int:
    """Write ticks of a schedule that are not on record yet; return their number.

    Args:
        row: the schedule.
        times: in order.
        in_turn: of the past: their runs start one after another, without jitter.
        missed: how many ticks a downtime left out; the tick is settled then.
    """
    if not times:
        return 0
    state = TickState.SKIPPED if missed else TickState.PENDING
    values = {
        "organisation": row.organisation_id,
        "schedule": row.id,
        "ids": [new_id() for _ in times],
        "dues": list(times),
        "runs": [each if in_turn else each + jitter(row, each) for each in times],
        "in_turn": in_turn,
        "state": str(state),
        "missed": missed,
        "reason": f"{missed} ticks up to this one were missed, and are not caught up" if missed else "",
    }
    return raw_cursor().execute(ADD_TICKS, values).rowcount


def jitter(row: Schedule, tick: datetime) -> timedelta:
    """Return how much later a tick's run starts: at random, but the same for a tick wherever it is computed."""
    digest = sha256(row.id.bytes + tick.isoformat().encode()).digest()
    return timedelta(seconds=row.jitter_seconds * int.from_bytes(digest[:8], "big") / 2**64)


def settle_next(*, organisation: UUID) -> int | None:
    """Settle a due tick: start its run, or note why not.

    Returns:
        1; 0 if another worker settled it meanwhile; None if no tick is due.
    """
    with whole_tenant(organisation):
        found = read_value(NEXT_TO_SETTLE, [organisation])
        if found is None:
            return None
        # another statement, which sees what was settled until the schedule was locked
        due = read_value(NEXT_TICK, [organisation, found])
        if due is None:
            return 0
        tick = Tick.objects.select_related("schedule").get(organisation_id=organisation, id=due)
        principal = _principal(tick.schedule)
        try:
            with use_context(start_context()), transaction.atomic():
                tick.run_id = _start(tick, principal)
        except Refused as refused:
            tick.state, tick.reason = refused.state.value, refused.reason[:300]
        except Faulty as error:
            # without the faults' texts, which may quote a parameter
            named = ", ".join(dict.fromkeys(fault.field for fault in error.faults))
            tick.state, tick.reason = TickState.FAILED.value, f"the parameters are invalid: {named}"[:300]
        except LiftosError as error:
            tick.state, tick.reason = TickState.FAILED.value, error.message[:300]
        else:
            tick.state = TickState.STARTED.value
        tick.settled_at = database_now()
        tick.decision_id = _record(tick, principal)
        tick.save()
    return 1


def _principal(schedule: Schedule) -> Principal:
    sight = sight_of_schedule(schedule)
    organisation = schedule.organisation_id
    return Principal(
        organisation, slug_by_id(organisation), owner_of(schedule), sight.scopes, viewer=sight.viewer
    )


def _start(tick: Tick, principal: Principal) -> UUID:
    schedule, organisation = tick.schedule, tick.organisation_id
    if Scope.WORKFLOWS_RUN not in principal.scopes:
        raise Refused(TickState.FAILED, "the schedule's owner may no longer start runs")
    if not tick.in_turn:
        for run in read_column(OPEN_RUNS, [organisation, schedule.id]):
            if schedule.overlap == Overlap.SKIP:
                raise Refused(TickState.SKIPPED, f"run {run} of an earlier tick has not ended")
            cancel(
                organisation=organisation,
                by=principal.actor,
                run=run,
                reason=f"the schedule {schedule.name} has its next tick",
            )
    with viewing(principal.viewer), seen_by_current_viewer():
        values = values_of(tick.due_at, read_zone(schedule.timezone))
        return start(
            principal=principal,
            template=schedule.template,
            parameters=resolve(
                schedule.parameters, parameters={"tick": values}, results={}, most=MAX_PARAMETER_BYTES
            ),
            metadata={"schedule": schedule.name, "tick": values["at"]},
        )


def prune_ticks(*, organisation: UUID, before: datetime) -> int:
    """Delete an organisation's ticks that were settled before a time; return their number."""
    with whole_tenant(organisation):
        return raw_cursor().execute(PRUNE_TICKS, [organisation, before]).rowcount


def values_of(tick: datetime, zone: ZoneInfo) -> dict[str, str]:
    """Return what parameters may refer to: `{tick.at}` in UTC, `{tick.local}` and `{tick.date}` in the schedule's zone."""
    local = tick.astimezone(zone)
    return {
        "at": tick.astimezone(UTC).isoformat(),
        "local": local.isoformat(),
        "date": local.date().isoformat(),
    }


def _record(tick: Tick, principal: Principal) -> UUID:
    schedule = tick.schedule
    outcome = (
        f"{schedule.template} was started"
        if tick.state == TickState.STARTED
        else f"no run was started: {tick.reason}"
    )
    return record(
        organisation=tick.organisation_id,
        by=principal.actor,
        operation="schedule.tick",
        effect=Effect.WRITE,
        risk_class=RiskClass.LIMITED,
        subject=("workflow_schedule", str(schedule.id)),
        reasoning=f"The schedule {schedule.name} ({schedule.cron}, {schedule.timezone}) was due at {tick.due_at:%Y-%m-%d %H:%M} UTC; {outcome}.",
        inputs={"due_at": tick.due_at.isoformat(), "in_turn": tick.in_turn},
        outputs={
            "state": tick.state,
            "run_id": str(tick.run_id) if tick.run_id else None,
            "template": schedule.template,
            "tick_id": str(tick.id),
        },
        scope_id=scope_of_start(principal.viewer),
    )
