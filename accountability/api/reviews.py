"""`/api/v1/decisions/{id}/reviews` and `/api/v1/reviews`: what people say of decisions, and the queue of those that wait."""

from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from django.core.exceptions import ObjectDoesNotExist
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accountability import queries as decisions
from accountability.api.schemas import (
    CalibrationList,
    CalibrationOut,
    PolicyBody,
    QueuedOut,
    QueuePage,
    QueueQuery,
    ReviewedOut,
    ReviewIn,
    ReviewList,
    ReviewOut,
)
from accountability.models.calibration import Calibration
from accountability.models.reviews import RANKS, ReviewCase
from accountability.reviews import operations, queries
from accountability.reviews.policy import get_policy, set_policy
from accountability.reviews.queries import Narrowed
from accountability.types import TO_DO, Policy, Review, ReviewState
from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.errors import InvalidInput
from liftos.kernel.http.idempotency.once import once
from liftos.kernel.http.openapi import query_parameters
from liftos.kernel.http.pagination import page
from liftos.kernel.http.views import NativeView
from liftos.kernel.tenancy.types import Scope


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


class ReviewRules(NativeView):
    """Which decisions of the organisation are reviewed."""

    scopes = {"GET": Scope.DECISIONS_READ, "PUT": Scope.ADMIN}

    @extend_schema(operation_id="review_policy_get", responses={200: PolicyBody})
    def get(self, request: Request) -> Response:
        """Return the rules."""
        del request
        organisation = self.principal.organisation
        with tenant_transaction(organisation):
            return Response(asdict(get_policy(organisation=organisation)))

    @extend_schema(operation_id="review_policy_set", request=PolicyBody, responses={200: PolicyBody})
    def put(self, request: Request) -> Response:
        """Replace the rules; what is in the queue stays there."""
        del request
        asked, principal = self.body(PolicyBody), self.principal
        policy = Policy(
            risk_classes=tuple(asked.risk_classes),
            confidence_below=asked.confidence_below,
            effects=tuple(asked.effects),
            sample_share=asked.sample_share,
            second_reviewer=tuple(asked.second_reviewer),
        )
        set_policy(organisation=principal.organisation, by=principal.actor, policy=policy)
        return Response(asdict(policy))


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


class CalibrationReport(NativeView):
    """How far stated confidences can be believed, judged by the verdicts."""

    scopes = {"GET": Scope.DECISIONS_READ}
    costly = True

    @extend_schema(operation_id="calibration", responses={200: CalibrationList})
    def get(self, request: Request) -> Response:
        """Return what was learnt when it was last looked at."""
        del request
        organisation = self.principal.organisation
        with tenant_transaction(organisation):
            rows = list(Calibration.objects.filter(organisation_id=organisation).order_by("-reviews", "id"))
        return Response({"results": [_calibration(row) for row in rows], "next": None})


def _calibration(row: Calibration) -> dict[str, Any]:
    shape = CalibrationOut(
        decision_point=row.decision_point,
        confidence_method=row.confidence_method,
        versions=row.versions,
        reviews=row.reviews,
        right=row.right,
        method=row.method,
        parameters=row.parameters,
        raw=row.figures["raw"],
        after=row.figures.get("after"),
        bins=row.figures["bins"],
        because=row.figures["because"],
        decision_id=row.decision_id,
        fitted_at=row.fitted_at,
    )
    return shape.model_dump(mode="json")
