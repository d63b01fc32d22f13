"""`/api/v1/triggers`: rules that start a run when an event arrives."""

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
from liftos.kernel.http.views import NativeView
from liftos.kernel.tenancy.types import Scope
from workflows.models import Firing, Trigger
from workflows.triggers import operations
from workflows.triggers.conditions import TriggerConditions
from workflows.triggers.operations import MOST, TriggerDraft
from workflows.triggers.queries import get_trigger, list_firings, list_triggers
from workflows.triggers.queueing import dry_run
from workflows.types import FiringState

MAX_DRY_RUN = 1_000
Name = Annotated[str, Field(min_length=1, max_length=200)]
Type = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9_.*:/-]+$")]
PerMinute = Annotated[int, Field(ge=1, le=MOST["per_minute"])]
Depth = Annotated[int, Field(ge=1, le=MOST["max_depth"])]


class TriggerIn(Strict):
    """A trigger to create: the type of event, the conditions it must meet, the template to run, and its parameters.

    Parameters may refer to `{event.subject}`, `{event.data.x}`, `{memory.content}`, `{memory.metadata.x}`. `per_minute` limits
    runs; `max_depth` is how many firings may cause one another.
    """

    name: Name
    event: Type
    conditions: TriggerConditions = Field(default_factory=TriggerConditions)
    template: Name
    parameters: dict[str, Any] = Field(default_factory=dict)
    per_minute: PerMinute = 60
    max_depth: Depth = 3


class TriggerChange(Strict):
    """The fields to change."""

    name: Name | None = None
    event: Type | None = None
    conditions: TriggerConditions | None = None
    template: Name | None = None
    parameters: dict[str, Any] | None = None
    per_minute: PerMinute | None = None
    max_depth: Depth | None = None

    @model_validator(mode="after")
    def check_given(self) -> "TriggerChange":
        """Refuse an empty change and null."""
        if not self.model_fields_set:
            raise ValueError(f"needs one of {', '.join(type(self).model_fields)}")
        for name in self.model_fields_set:
            if getattr(self, name) is None:
                raise ValueError(f"{name} can't be null")
        return self


class TriggerOut(BaseModel):
    """A trigger."""

    id: UUID
    name: str
    event: str
    conditions: dict[str, Any]
    template: str
    parameters: dict[str, Any]
    per_minute: int
    max_depth: int
    created_at: datetime
    paused_at: datetime | None


class DryRunIn(Strict):
    """The number of latest events to test."""

    last: int = Field(default=100, ge=1, le=MAX_DRY_RUN)


class WouldFire(BaseModel):
    """An event that would have fired the trigger."""

    event_id: UUID
    type: str
    subject: str
    time: datetime


class DryRunOut(BaseModel):
    """The number of events tested, and those that would have fired the trigger."""

    tested: int
    results: list[WouldFire]


class FiringOut(BaseModel):
    """A firing; `reason` says why it started no run."""

    id: UUID
    event_id: UUID
    type: str
    subject: str
    depth: int
    state: FiringState
    reason: str
    run_id: UUID | None
    decision_id: UUID | None
    created_at: datetime
    fired_at: datetime | None


def shape(row: Trigger) -> dict[str, Any]:
    """Return a trigger as JSON-ready values."""
    return as_json(TriggerOut, row, created_at=row.recorded_at)


def _firing(row: Firing) -> dict[str, Any]:
    return as_json(FiringOut, row, created_at=row.recorded_at)


class TriggersView(NativeView):
    """A base of the views of triggers."""

    scopes = {
        "GET": Scope.WORKFLOWS_RUN, "POST": Scope.WORKFLOWS_WRITE, "PATCH": Scope.WORKFLOWS_WRITE,
        "DELETE": Scope.WORKFLOWS_WRITE,
    }  # fmt: skip

    def shown(self, trigger: UUID) -> dict[str, Any]:
        """Return a trigger as JSON-ready values."""
        with tenant_transaction(self.organisation):
            return shape(get_trigger(organisation=self.organisation, trigger=trigger))

    def answer_again(self, ids: dict[str, Any], trigger: UUID | None = None) -> Response:
        """Replay an answer with the trigger's current state."""
        return Response(self.shown(trigger or UUID(ids["id"])))

    def given(self, asked: BaseModel) -> dict[str, Any]:
        """Return the fields of a body that were sent, conditions as they are stored."""
        return asked.model_dump(mode="json", exclude_unset=True, by_alias=True)


class Triggers(TriggersView):
    """The triggers of an organisation."""

    @described("triggers_list", query=PageQuery, responses={200: page_of(TriggerOut)})
    def get(self, request: Request) -> Response:
        """List triggers, newest first."""
        query = self.query(PageQuery)
        with tenant_transaction(self.organisation):
            rows = list_triggers(organisation=self.organisation, limit=query.limit + 1, before=query.before)
        return Response(page(request._request, rows, query.limit, [shape(each) for each in rows]))

    @described("triggers_create", request=TriggerIn, responses={201: TriggerOut})
    @once(anew=TriggersView.answer_again)
    def post(self, request: Request) -> Response:
        """Create a trigger, which acts with the caller's authority."""
        draft = TriggerDraft(**self.given(self.body(TriggerIn)))
        return Response(shape(operations.create_trigger(principal=self.principal, draft=draft)), status=201)


class TriggerDetail(TriggersView):
    """One trigger."""

    @described("triggers_get", responses={200: TriggerOut})
    def get(self, request: Request, trigger: UUID) -> Response:
        """Return a trigger."""
        return Response(self.shown(trigger))

    @described("triggers_change", request=TriggerChange, responses={200: TriggerOut})
    @once(anew=TriggersView.answer_again)
    def patch(self, request: Request, trigger: UUID) -> Response:
        """Change a trigger. From now on it acts with the caller's authority."""
        changes = self.given(self.body(TriggerChange))
        row = operations.change_trigger(principal=self.principal, trigger=trigger, changes=changes)
        return Response(shape(row))

    @described("triggers_delete", responses={204: None})
    @once
    def delete(self, request: Request, trigger: UUID) -> Response:
        """Delete a trigger; the runs it started stay."""
        operations.delete_trigger(principal=self.principal, trigger=trigger)
        return Response(status=204)


class TriggerPause(TriggersView):
    """Pausing a trigger."""

    @described("triggers_pause", responses={200: TriggerOut})
    @once(anew=TriggersView.answer_again)
    def post(self, request: Request, trigger: UUID) -> Response:
        """Pause a trigger."""
        row = operations.set_paused(principal=self.principal, trigger=trigger, paused=True)
        return Response(shape(row))


class TriggerResumption(TriggersView):
    """Resuming a trigger."""

    @described("triggers_resume", responses={200: TriggerOut})
    @once(anew=TriggersView.answer_again)
    def post(self, request: Request, trigger: UUID) -> Response:
        """Resume a trigger; events of the pause do not fire it."""
        row = operations.set_paused(principal=self.principal, trigger=trigger, paused=False)
        return Response(shape(row))


class DryRun(TriggersView):
    """A test of a trigger."""

    scopes = {"POST": Scope.WORKFLOWS_RUN}

    @described("triggers_dry_run", request=DryRunIn, responses={200: DryRunOut})
    def post(self, request: Request, trigger: UUID) -> Response:
        """Return which of the last events would have fired a trigger; starts nothing."""
        asked = self.body(DryRunIn)
        with tenant_transaction(self.organisation):
            row = get_trigger(organisation=self.organisation, trigger=trigger)
            tested, found = dry_run(row, last=asked.last)
        results = [
            WouldFire(event_id=each.id, type=each.type, subject=each.subject, time=each.at) for each in found
        ]
        return Response(DryRunOut(tested=tested, results=results).model_dump(mode="json"))


class Firings(TriggersView):
    """The firings of a trigger."""

    @described("triggers_firings_list", query=PageQuery, responses={200: page_of(FiringOut)})
    def get(self, request: Request, trigger: UUID) -> Response:
        """List a trigger's firings by events that the caller may see, newest first."""
        query = self.query(PageQuery)
        with tenant_transaction(self.organisation):
            get_trigger(organisation=self.organisation, trigger=trigger)
            rows = list_firings(
                organisation=self.organisation, trigger=trigger, limit=query.limit + 1, before=query.before
            )
        return Response(page(request._request, rows, query.limit, [_firing(each) for each in rows]))
