"""`/api/v1/decisions/{decision}/reviews` and `/api/v1/reviews`: what people say of decisions, and the queue of those that wait."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.core.exceptions import ObjectDoesNotExist
from drf_spectacular.utils import extend_schema
from pydantic import BaseModel, Field
from rest_framework.request import Request
from rest_framework.response import Response

from accountability import queries as decisions
from accountability.models.reviews import RANKS, ReviewCase
from accountability.reviews import operations, queries
from accountability.reviews.queries import Narrowed, Order
from accountability.types import TO_DO, Review, ReviewState, RiskClass, Verdict
from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.errors import InvalidInput
from liftos.kernel.http.idempotency.once import once
from liftos.kernel.http.openapi import query_parameters
from liftos.kernel.http.pagination import PageQuery, QueryText, page
from liftos.kernel.http.strict import Strict
from liftos.kernel.http.views import NativeView
from liftos.kernel.tenancy.types import Scope


class ReviewIn(Strict):
    """What a reviewer says of a decision; a reason is optional only for an approval."""

    verdict: Verdict
    reason: str = Field(default="", max_length=2_000)


class ReviewedOut(BaseModel):
    """What a review led to; `reversal` tells what was taken back of an overturned decision's effect."""

    id: UUID
    decision_id: UUID
    verdict: Verdict
    state: ReviewState
    reversal: dict[str, Any] | None


class ReviewOut(BaseModel):
    """A review; `id` is that of its own record."""

    id: UUID
    verdict: Verdict
    reason: str
    actor_kind: str
    actor_id: str
    on_behalf_of: str
    recorded_at: datetime


class ReviewList(BaseModel):
    """What was said of a decision, oldest first; `state` is null where nobody asked for a review."""

    state: ReviewState | None
    results: list[ReviewOut]
    next: None


class QueueQuery(PageQuery):
    """Which of the queue is wanted, and in which order."""

    order: Order = Order.RISK
    states: QueryText = ""
    risk_class: RiskClass | None = None
    decision_point: QueryText = ""
    assigned_to: QueryText | None = None
    confidence_below: float | None = Field(default=None, ge=0, le=1)


class QueuedOut(BaseModel):
    """A decision to review; `id` is the decision's, `reasoning` is empty once its payload has been erased."""

    id: UUID
    state: ReviewState
    because: str
    operation: str
    decision_point: str
    risk_class: str
    effect: str
    confidence: float | None
    actor_kind: str
    actor_id: str
    on_behalf_of: str
    reasoning: str
    assigned_to: str
    recorded_at: datetime
    changed_at: datetime


class QueuePage(BaseModel):
    """A page of the queue."""

    results: list[QueuedOut]
    next: str | None


class DecisionReviews(NativeView):
    """What people said of a decision, and one more word."""

    scopes = {"GET": Scope.DECISIONS_READ, "POST": Scope.DECISIONS_REVIEW}

    @extend_schema(operation_id="reviews_create", request=ReviewIn, responses={201: ReviewedOut})
    @once
    def post(self, request: Request, decision: UUID) -> Response:
        """Approve a decision, overturn it, or ask for information."""
        del request
        asked, principal = self.body(ReviewIn), self.principal
        done = operations.review(
            organisation=principal.organisation,
            by=principal.actor,
            decision=decision,
            verdict=asked.verdict,
            reason=asked.reason,
        )
        body = ReviewedOut(
            id=done.id,
            decision_id=done.decision,
            verdict=done.verdict,
            state=done.state,
            reversal=done.reversal,
        )
        return Response(body.model_dump(mode="json"), status=201)

    @extend_schema(operation_id="reviews_of_decision", responses={200: ReviewList})
    def get(self, request: Request, decision: UUID) -> Response:
        """Return the reviews of a decision, oldest first."""
        del request
        organisation = self.principal.organisation
        with tenant_transaction(organisation):
            decisions.get_decision(organisation=organisation, decision=decision)
            case = queries.get_case(organisation=organisation, decision=decision)
            found = queries.list_reviews(organisation=organisation, decision=decision)
        results = [_review(each) for each in found]
        return Response({"state": case.state if case else None, "results": results, "next": None})


@dataclass(frozen=True, slots=True)
class _Row:
    id: UUID


class ReviewQueue(NativeView):
    """The decisions that wait for a person."""

    scopes = {"GET": Scope.DECISIONS_READ}

    @extend_schema(
        operation_id="reviews_list", parameters=query_parameters(QueueQuery), responses={200: QueuePage}
    )
    def get(self, request: Request) -> Response:
        """List what is to be reviewed, the most urgent first."""
        query, organisation = self.query(QueueQuery), self.principal.organisation
        states = queries.as_states(query.states)
        if states is None:
            raise InvalidInput("Not a comma list of review states.", loc=("query", "states"))
        narrowed = Narrowed(
            states=tuple(states) or TO_DO,
            risk=RANKS[query.risk_class] if query.risk_class else None,
            decision_point=query.decision_point,
            assigned_to=query.assigned_to,
            confidence_below=query.confidence_below,
        )
        with tenant_transaction(organisation):
            cases = queries.list_queue(
                organisation=organisation,
                limit=query.limit + 1,
                order=query.order,
                after=query.before,
                narrowed=narrowed,
            )
            results = [_queued(each) for each in cases]
        rows = [_Row(each.decision_id) for each in cases]
        return Response(page(request._request, rows, query.limit, results))


def _review(review: Review) -> dict[str, Any]:
    actor = review.actor
    shape = ReviewOut(
        id=review.id,
        verdict=review.verdict,
        reason=review.reason,
        actor_kind=actor.kind,
        actor_id=actor.id,
        on_behalf_of=actor.on_behalf_of,
        recorded_at=review.recorded_at,
    )
    return shape.model_dump(mode="json")


def _queued(case: ReviewCase) -> dict[str, Any]:
    record = case.decision
    try:
        reasoning = str(record.payload.values.get("reasoning", ""))
    except ObjectDoesNotExist:  # erased
        reasoning = ""
    shape = QueuedOut(
        id=case.decision_id,
        state=ReviewState(case.state),
        because=case.because,
        operation=record.operation,
        decision_point=record.decision_point,
        risk_class=record.risk_class,
        effect=record.effect,
        confidence=record.confidence,
        actor_kind=record.actor_kind,
        actor_id=record.actor_id,
        on_behalf_of=record.on_behalf_of,
        reasoning=reasoning,
        assigned_to=case.assigned_to,
        recorded_at=record.recorded_at,
        changed_at=case.changed_at,
    )
    return shape.model_dump(mode="json")
