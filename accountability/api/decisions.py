"""`/api/v1/decisions`: record, list and read decisions."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field
from rest_framework.request import Request
from rest_framework.response import Response

from accountability import queries
from accountability.api.outcomes import OutcomeOut, render_outcome
from accountability.calibration.operations import calibrated_confidences
from accountability.conditions import Conditions, count_decisions
from accountability.decisions.recording import record_own
from accountability.inputs import DecisionIn
from accountability.ledger import store
from accountability.ledger.sequencer import wait_until_integrated
from accountability.outcomes.queries import list_outcomes
from accountability.types import Decision, Effect
from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.http.dump import as_json
from liftos.kernel.http.idempotency.once import once
from liftos.kernel.http.openapi import described
from liftos.kernel.http.pagination import PageQuery, QueryText, page, page_of
from liftos.kernel.http.times import EndMoment, Moment, not_before
from liftos.kernel.http.views import NativeView
from liftos.kernel.telemetry.tracing.context import current_context
from liftos.kernel.tenancy.types import Scope


class DecisionQuery(PageQuery):
    """Filters of the decision list.

    `actor` is an actor's `kind:id` or id, or whom decisions were made on behalf of; `since` and `until` bound `recorded_at`.
    With `total`, the page has the number of decisions on all pages.
    """

    operation: QueryText = ""
    correlation_id: QueryText = ""
    subject_id: QueryText = ""
    since: Moment | None = None
    until: EndMoment | None = None
    actor: QueryText = ""
    effect: Effect | None = None
    total: bool = False

    in_order = not_before("until", "since")

    @property
    def conditions(self) -> Conditions:
        """The conditions, without the page."""
        return {
            "operation": self.operation,
            "correlation_id": self.correlation_id,
            "subject_id": self.subject_id,
            "since": self.since,
            "until": self.until,
            "actor": self.actor,
            "effect": self.effect,
        }


class DecisionOut(BaseModel):
    """A decision record; the last five are empty once its payload has been erased.

    `confidence_calibrated` is the confidence corrected by verdicts on similar decisions and their outcomes; null while these are too few.
    `outcomes` are the newest 20, oldest first.
    """

    id: UUID
    operation: str
    decision_point: str
    subject_kind: str
    subject_id: str
    risk_class: str
    effect: str
    confidence: float | None
    confidence_calibrated: float | None = None
    confidence_method: str
    actor_kind: str
    actor_id: str
    on_behalf_of: str
    parents: list[UUID]
    versions: dict[str, Any]
    correlation_id: str
    trace_id: str
    span_id: str
    started_at: datetime
    ended_at: datetime
    recorded_at: datetime
    reasoning: str
    inputs: dict[str, Any]
    outputs: dict[str, Any]
    alternatives: list[Any]
    memories: list[dict[str, Any]]
    outcomes: list[OutcomeOut] = []


class DecisionPage(page_of(DecisionOut)):  # type: ignore[misc]
    """A page of decisions; `total` only if the query asks for it."""

    total: int | None = None


class DecisionCreated(BaseModel):
    """The response to a recorded decision; `index` is its place in the log, null while pending."""

    id: UUID
    correlation_id: str
    trace_id: str
    index: int | None


class WaitQuery(BaseModel):
    """`wait=integrated` waits until the record has its place in the log."""

    wait: str = Field(default="", pattern="^(integrated)?$")


def render(organisation: UUID, decisions: Sequence[Decision]) -> list[dict[str, Any]]:
    """Return decisions as JSON-ready values, with calibrated confidences and outcomes. Two queries, in the caller's transaction."""
    confidences = calibrated_confidences(organisation=organisation, decisions=decisions)
    outcomes = list_outcomes(organisation=organisation, decisions=[each.id for each in decisions])
    return [
        as_json(
            DecisionOut,
            each,
            confidence_calibrated=confidences.get(each.id),
            outcomes=[render_outcome(outcome) for outcome in outcomes.get(each.id, ())],
        )
        for each in decisions
    ]


class DecisionList(NativeView):
    """The organisation's decisions, newest first."""

    scopes = {"GET": Scope.DECISIONS_READ, "POST": Scope.DECISIONS_WRITE}

    @described(
        "decisions_create",
        query=WaitQuery,
        request=DecisionIn,
        responses={201: DecisionCreated},
        takes_key=True,
    )
    def post(self, request: Request) -> Response:
        """Record a decision that the caller made."""
        draft, query, organisation = self.body(DecisionIn), self.query(WaitQuery), self.organisation
        recorded = self.record(request)
        decision = UUID(recorded.data["id"])
        if draft.wait or query.wait:
            # after `record` has committed: until then the sequencer can't see the row
            wait_until_integrated(organisation=organisation, decision=decision)
        with tenant_transaction(organisation):
            recorded.data["index"] = store.index_of(organisation, decision)
        return recorded

    @once
    def record(self, request: Request) -> Response:
        """Record the decision, once per Idempotency-Key."""
        decision = record_own(**self.caller, draft=self.body(DecisionIn))
        context = current_context()
        body = {
            "id": str(decision),
            "correlation_id": context.correlation_id,
            "trace_id": context.trace_id,
        }
        return Response(body, status=201)

    @described("decisions_list", query=DecisionQuery, responses={200: DecisionPage})
    def get(self, request: Request) -> Response:
        """List decisions."""
        query = self.query(DecisionQuery)
        with tenant_transaction(self.organisation):
            rows = queries.list_decisions(
                organisation=self.organisation,
                limit=query.limit + 1,
                before=query.before,
                **query.conditions,
            )
            total = (
                {"total": count_decisions(organisation=self.organisation, conditions=query.conditions)}
                if query.total
                else {}
            )
            results = render(self.organisation, rows)
        return Response(page(request._request, rows, query.limit, results) | total)


class DecisionDetail(NativeView):
    """One decision with its payload."""

    scopes = {"GET": Scope.DECISIONS_READ}

    @described("decisions_get", responses={200: DecisionOut})
    def get(self, request: Request, decision: UUID) -> Response:
        """Return a decision."""
        with tenant_transaction(self.organisation):
            found = queries.get_decision(organisation=self.organisation, decision=decision)
            [shown] = render(self.organisation, [found])
        return Response(shown)
