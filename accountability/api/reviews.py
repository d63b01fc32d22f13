"""`/api/v1/decisions/{decision}/reviews` and `/api/v1/reviews`: verdicts on decisions, and the review queue."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field
from rest_framework.request import Request
from rest_framework.response import Response

from accountability import queries as decisions
from accountability.models.reviews import RANKS, ReviewCase
from accountability.queries import as_decision
from accountability.reviews import operations, queries
from accountability.reviews.queries import Order, QueueFilter
from accountability.types import TO_DO, Review, ReviewState, RiskClass, Verdict
from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.errors import InvalidInput
from liftos.kernel.http.dump import as_json
from liftos.kernel.http.idempotency.once import once
from liftos.kernel.http.openapi import described
from liftos.kernel.http.pagination import PageQuery, QueryText, page, page_of
from liftos.kernel.http.strict import Strict
from liftos.kernel.http.views import NativeView
from liftos.kernel.tenancy.types import Scope


class ReviewIn(Strict):
    """A verdict on a decision; the reason is optional only for an approval."""

    verdict: Verdict
    reason: str = Field(default="", max_length=2_000)


class ReviewedOut(BaseModel):
    """The outcome of a review; `reversal` says how much of an overturned decision's effect was reversed."""

    id: UUID
    decision_id: UUID
    verdict: Verdict
    state: ReviewState
    reversal: dict[str, Any] | None


class ReviewOut(BaseModel):
    """A review; `id` is its own record's."""

    id: UUID
    verdict: Verdict
    reason: str
    actor_kind: str
    actor_id: str
    on_behalf_of: str
    recorded_at: datetime


class ReviewList(BaseModel):
    """The reviews of a decision, oldest first; `state` is null if it was never queued for review."""

    state: ReviewState | None
    results: list[ReviewOut]
    next: None


class QueueQuery(PageQuery):
    """Filters and order of the queue."""

    order: Order = Order.RISK
    states: QueryText = ""
    risk_class: RiskClass | None = None
    decision_point: QueryText = ""
    assigned_to: QueryText | None = None
    confidence_below: float | None = Field(default=None, ge=0, le=1)


class QueuedOut(BaseModel):
    """A queued decision; `id` is the decision's, `reasoning` is empty once its payload has been erased."""

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


class DecisionReviews(NativeView):
    """The reviews of a decision."""

    scopes = {"GET": Scope.DECISIONS_READ, "POST": Scope.DECISIONS_REVIEW}

    @described("reviews_create", request=ReviewIn, responses={201: ReviewedOut})
    @once
    def post(self, request: Request, decision: UUID) -> Response:
        """Approve a decision, overturn it, or request information."""
        body = self.body(ReviewIn)
        reviewed = operations.review(
            **self.caller, decision=decision, verdict=body.verdict, reason=body.reason
        )
        return Response(as_json(ReviewedOut, reviewed), status=201)

    @described("reviews_of_decision", responses={200: ReviewList})
    def get(self, request: Request, decision: UUID) -> Response:
        """Return the reviews of a decision, oldest first."""
        with tenant_transaction(self.organisation):
            decisions.get_decision(organisation=self.organisation, decision=decision)
            case = queries.get_case(organisation=self.organisation, decision=decision)
            reviews = queries.list_reviews(organisation=self.organisation, decision=decision)
        results = [render_review(each) for each in reviews]
        return Response({"state": case.state if case else None, "results": results, "next": None})


class ReviewQueue(NativeView):
    """The decisions to review."""

    scopes = {"GET": Scope.DECISIONS_READ}

    @described("reviews_list", query=QueueQuery, responses={200: page_of(QueuedOut, "QueuePage")})
    def get(self, request: Request) -> Response:
        """List decisions to review, the most urgent first."""
        query = self.query(QueueQuery)
        states = queries.as_states(query.states)
        if states is None:
            known = ", ".join(ReviewState)
            raise InvalidInput(
                f"Must be a comma-separated list of review states: {known}.", loc=("query", "states")
            )
        wanted = QueueFilter(
            states=tuple(states) or TO_DO,
            risk=RANKS[query.risk_class] if query.risk_class else None,
            decision_point=query.decision_point,
            assigned_to=query.assigned_to,
            confidence_below=query.confidence_below,
        )
        with tenant_transaction(self.organisation):
            cases = queries.list_queue(
                organisation=self.organisation,
                limit=query.limit + 1,
                order=query.order,
                after=query.before,
                wanted=wanted,
            )
            results = [_render_case(each) for each in cases]
        rows = [each.decision for each in cases]
        return Response(page(request._request, rows, query.limit, results))


def render_review(review: Review) -> dict[str, Any]:
    """Return a review as JSON-ready values."""
    actor = review.actor
    named = {"actor_kind": actor.kind, "actor_id": actor.id, "on_behalf_of": actor.on_behalf_of}
    return as_json(ReviewOut, review, **named)


def _render_case(case: ReviewCase) -> dict[str, Any]:
    values = vars(case.decision) | vars(case) | {"reasoning": as_decision(case.decision).reasoning}
    return QueuedOut.model_validate(values).model_dump(mode="json")
