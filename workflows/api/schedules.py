"""`/api/v1/schedules`: rules that start a run at times of a cron expression."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, Field, model_validator
from rest_framework.request import Request
from rest_framework.response import Response

from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.http.dump import as_json
from liftos.kernel.http.idempotency.once import once
from liftos.kernel.http.openapi import described
from liftos.kernel.http.pagination import PageQuery, page, page_of
from liftos.kernel.http.strict import Strict
from liftos.kernel.http.times import EndMoment, Moment, not_before
from liftos.kernel.http.views import NativeView
from liftos.kernel.tenancy.types import Scope
from workflows.models import Schedule, Tick
from workflows.publishing.faults import faults_as_items
from workflows.schedules import operations
from workflows.schedules.operations import MAX_JITTER, ScheduleDraft
from workflows.schedules.queries import database_now, get_schedule, list_schedules, list_ticks, next_ticks
from workflows.types import CatchUp, Overlap, TickState

Name = Annotated[str, Field(min_length=1, max_length=200)]
Cron = Annotated[str, Field(min_length=1, max_length=100)]
Zone = Annotated[str, Field(min_length=1, max_length=64)]
Jitter = Annotated[int, Field(ge=0, le=MAX_JITTER)]


class ScheduleIn(Strict):
    """A schedule to create: a cron expression of five fields, the time zone whose clock counts, and the template to run.

    Parameters may refer to `{tick.at}`, `{tick.local}` and `{tick.date}`. `overlap` says what a tick does while the run before it is
    open; `catch_up`, which ticks that were missed during a downtime are run.
    """

    name: Name
    cron: Cron
    timezone: Zone = "UTC"
    template: Name
    parameters: dict[str, Any] = Field(default_factory=dict)
    overlap: Overlap = Overlap.SKIP
    catch_up: CatchUp = CatchUp.LATEST
    jitter_seconds: Jitter = 0


class ScheduleChange(Strict):
    """The fields to change."""

    name: Name | None = None
    cron: Cron | None = None
    timezone: Zone | None = None
    template: Name | None = None
    parameters: dict[str, Any] | None = None
    overlap: Overlap | None = None
    catch_up: CatchUp | None = None
    jitter_seconds: Jitter | None = None

    @model_validator(mode="after")
    def check_given(self) -> "ScheduleChange":
        """Refuse an empty change and null."""
        if not self.model_fields_set:
            raise ValueError(f"needs one of {', '.join(type(self).model_fields)}")
        for name in self.model_fields_set:
            if getattr(self, name) is None:
                raise ValueError(f"{name} can't be null")
        return self


class ScheduleOut(BaseModel):
    """A schedule; `next` has its next five times, none while it is paused."""

    id: UUID
    name: str
    cron: str
    timezone: str
    template: str
    parameters: dict[str, Any]
    overlap: Overlap
    catch_up: CatchUp
    jitter_seconds: int
    next: list[datetime]
    created_at: datetime
    paused_at: datetime | None


class BackfillIn(Strict):
    """A range of past times, both ends included."""

    since: Moment
    until: EndMoment

    _ordered = not_before("until", "since")


class BackfillOut(BaseModel):
    """The number of ticks queued, and of those that were on record already."""

    queued: int
    already: int


class TickOut(BaseModel):
    """A time of a schedule; `reason` says why it started no run, `missed` how many ticks a downtime left out up to this one."""

    id: UUID
    due_at: datetime
    run_at: datetime
    in_turn: bool
    state: TickState
    reason: str
    missed: int
    run_id: UUID | None
    decision_id: UUID | None
    created_at: datetime
    settled_at: datetime | None


def shape(row: Schedule, now: datetime) -> dict[str, Any]:
    """Return a schedule as JSON-ready values."""
    return as_json(ScheduleOut, row, created_at=row.recorded_at, next=next_ticks(row, now=now))


def _tick(row: Tick) -> dict[str, Any]:
    return as_json(TickOut, row, created_at=row.recorded_at)


class SchedulesView(NativeView):
    """A base of the views of schedules."""

    scopes = {
        "GET": Scope.WORKFLOWS_RUN, "POST": Scope.WORKFLOWS_WRITE, "PATCH": Scope.WORKFLOWS_WRITE,
        "DELETE": Scope.WORKFLOWS_WRITE,
    }  # fmt: skip

    def shown(self, schedule: UUID) -> dict[str, Any]:
        """Return a schedule as JSON-ready values."""
        with tenant_transaction(self.organisation):
            row = get_schedule(organisation=self.organisation, schedule=schedule)
            return shape(row, database_now())

    def answer_again(self, ids: dict[str, Any], schedule: UUID | None = None) -> Response:
        """Replay an answer with the schedule's current state."""
        return Response(self.shown(schedule or UUID(ids["id"])))


class Schedules(SchedulesView):
    """The schedules of an organisation."""

    @described("schedules_list", query=PageQuery, responses={200: page_of(ScheduleOut)})
    def get(self, request: Request) -> Response:
        """List schedules, newest first."""
        query = self.query(PageQuery)
        with tenant_transaction(self.organisation):
            rows = list_schedules(organisation=self.organisation, limit=query.limit + 1, before=query.before)
            now = database_now()
        return Response(page(request._request, rows, query.limit, [shape(each, now) for each in rows]))

    @described("schedules_create", request=ScheduleIn, responses={201: ScheduleOut})
    @once(anew=SchedulesView.answer_again)
    def post(self, request: Request) -> Response:
        """Create a schedule, which acts with the caller's authority."""
        draft = ScheduleDraft(**self.body(ScheduleIn).model_dump(mode="json"))
        with faults_as_items():
            row = operations.create_schedule(principal=self.principal, draft=draft)
        return Response(self.shown(row.id), status=201)


class ScheduleDetail(SchedulesView):
    """One schedule."""

    @described("schedules_get", responses={200: ScheduleOut})
    def get(self, request: Request, schedule: UUID) -> Response:
        """Return a schedule."""
        return Response(self.shown(schedule))

    @described("schedules_change", request=ScheduleChange, responses={200: ScheduleOut})
    @once(anew=SchedulesView.answer_again)
    def patch(self, request: Request, schedule: UUID) -> Response:
        """Change a schedule. From now on it acts with the caller's authority."""
        changes = self.body(ScheduleChange).model_dump(mode="json", exclude_unset=True)
        with faults_as_items():
            operations.change_schedule(principal=self.principal, schedule=schedule, changes=changes)
        return Response(self.shown(schedule))

    @described("schedules_delete", responses={204: None})
    @once
    def delete(self, request: Request, schedule: UUID) -> Response:
        """Delete a schedule; the runs it started stay."""
        operations.delete_schedule(principal=self.principal, schedule=schedule)
        return Response(status=204)


class SchedulePause(SchedulesView):
    """Pausing a schedule."""

    @described("schedules_pause", responses={200: ScheduleOut})
    @once(anew=SchedulesView.answer_again)
    def post(self, request: Request, schedule: UUID) -> Response:
        """Pause a schedule."""
        operations.set_paused(principal=self.principal, schedule=schedule, paused=True)
        return Response(self.shown(schedule))


class ScheduleResumption(SchedulesView):
    """Resuming a schedule."""

    @described("schedules_resume", responses={200: ScheduleOut})
    @once(anew=SchedulesView.answer_again)
    def post(self, request: Request, schedule: UUID) -> Response:
        """Resume a schedule; ticks of the pause are left out."""
        operations.set_paused(principal=self.principal, schedule=schedule, paused=False)
        return Response(self.shown(schedule))


class Backfill(SchedulesView):
    """Running the past ticks of a schedule."""

    @described("schedules_backfill", request=BackfillIn, responses={200: BackfillOut})
    @once
    def post(self, request: Request, schedule: UUID) -> Response:
        """Queue the ticks of a past range that are not on record yet; their runs start one after another."""
        asked = self.body(BackfillIn)
        queued, already = operations.backfill(
            principal=self.principal, schedule=schedule, since=asked.since, until=asked.until
        )
        return Response(BackfillOut(queued=queued, already=already).model_dump())


class Ticks(SchedulesView):
    """The ticks of a schedule."""

    @described("schedules_ticks_list", query=PageQuery, responses={200: page_of(TickOut)})
    def get(self, request: Request, schedule: UUID) -> Response:
        """List a schedule's ticks, the newest on record first."""
        query = self.query(PageQuery)
        with tenant_transaction(self.organisation):
            get_schedule(organisation=self.organisation, schedule=schedule)
            rows = list_ticks(
                organisation=self.organisation, schedule=schedule, limit=query.limit + 1, before=query.before
            )
        return Response(page(request._request, rows, query.limit, [_tick(each) for each in rows]))
