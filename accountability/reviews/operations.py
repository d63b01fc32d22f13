"""Reviewing a decision: the verdict's record, the new state and, if overturned, the reversal, in one transaction.

The decision's record and payload are never changed.

| state | approve | overturn | information |
|---|---|---|---|
| open, waiting_information, waiting_second | approved, or waiting_second | overturned, or waiting_second | waiting_information |
| approved | refused | as above: a new round | waiting_information: a new round |
| overturned | refused | refused | refused |
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from django.utils import timezone

from accountability import ports
from accountability.erasure import cite
from accountability.errors import DecisionNotFound, OwnDecision, ReviewForbidden
from accountability.models import DecisionRecord
from accountability.models.reviews import NO_CONFIDENCE, RANKS, ReviewCase
from accountability.operations import record
from accountability.queries import as_decision, memories_of
from accountability.reviews.policy import get_policy
from accountability.reviews.queries import list_reviews
from accountability.reviews.states import is_same_party, state_after
from accountability.types import (
    REVIEW_OPERATION,
    SETTLED,
    Because,
    Decision,
    Effect,
    Review,
    Reviewed,
    ReviewState,
    RiskClass,
    Verdict,
)
from liftos.kernel.db.rows import one_or
from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.db.viewers import scope_of_act
from liftos.kernel.errors import InvalidInput
from liftos.kernel.outbox.operations import emit
from liftos.kernel.telemetry.manager import observe_operation
from liftos.kernel.tenancy.parties import with_principals
from liftos.kernel.tenancy.types import Actor, ActorKind

MAX_REASON = 2_000
_REASONING = {
    Verdict.APPROVE: "Approved",
    Verdict.OVERTURN: "Overturned",
    Verdict.INFORMATION: "Requested information on",
}


def review(*, organisation: UUID, by: Actor, decision: UUID, verdict: Verdict, reason: str = "") -> Reviewed:
    """Record a reviewer's verdict on a decision.

    Args:
        organisation: whose.
        by: the reviewer; must share neither credential nor person with the decision.
        decision: which.
        verdict: approve, overturn, or request information.
        reason: optional only for an approval.

    Raises:
        DecisionNotFound: there is none in this organisation.
        OwnDecision: it is the reviewer's own.
        ReviewForbidden: it is overturned already, approved already, or a review itself.
        InvalidInput: the reason is missing.
    """
    with (
        observe_operation("decision.review", organisation=str(organisation)),
        tenant_transaction(organisation),
    ):
        row = _decision(organisation, decision)
        decided = Actor(ActorKind(row.actor_kind), row.actor_id, row.on_behalf_of)
        if is_same_party(*with_principals(organisation, [by, decided])):
            raise OwnDecision
        reason = reason.strip()
        if verdict is not Verdict.APPROVE and not reason:
            raise InvalidInput("A reason is required unless you approve.", loc=("reason",))
        case = _lock_case(organisation, row)
        _check_allowed(case, verdict)
        earlier = list_reviews(organisation=organisation, decision=decision, after=case.settled_by)
        needs_second = row.risk_class in get_policy(organisation=organisation).second_reviewer
        state = _state_after(organisation, earlier, verdict, by, needs_second=needs_second)
        reviewed = as_decision(row)
        review_id = _record(organisation, by, reviewed, verdict, reason, case.state, state, row.scope_id)
        reversal = None
        if state is ReviewState.OVERTURNED:
            done = ports.reverse(ports.Overturned(organisation, by, reviewed, review_id, reason))
            reversal = done.as_json() if done else None
        _move(case, state, review_id, reversal)
        data = {
            "decision_id": str(decision),
            "operation": row.operation,
            "verdict": str(verdict),
            "state": str(state),
            "review_id": str(review_id),
            "reversed": reversal is not None,
        }
        for each in ("reviewed", "overturned") if state is ReviewState.OVERTURNED else ("reviewed",):
            emit(
                organisation=organisation,
                type=f"liftos.decision.{each}",
                subject=f"decisions/{decision}",
                data=data,
                scope_id=row.scope_id,
            )
        return Reviewed(review_id, decision, verdict, state, reversal)


def _state_after(
    organisation: UUID, earlier: Sequence[Review], verdict: Verdict, by: Actor, *, needs_second: bool
) -> ReviewState:
    reviewer, *actors = with_principals(organisation, [by, *(each.actor for each in earlier)])
    known = [replace(each, actor=actor) for each, actor in zip(earlier, actors, strict=True)]
    return state_after(known, verdict, reviewer, needs_second=needs_second)


def ask_for_review(*, organisation: UUID, by: Actor, decision: UUID) -> bool:
    """Add a decision to the review queue; return False if it was there already.

    Raises:
        DecisionNotFound, ReviewForbidden: as for `review`.
    """
    with observe_operation("decision.ask", organisation=str(organisation)), tenant_transaction(organisation):
        row = _decision(organisation, decision)
        if ReviewCase.objects.filter(organisation_id=organisation, decision_id=decision).exists():
            return False
        _lock_case(organisation, row)
        record(
            organisation=organisation,
            by=by,
            operation="decision.ask_for_review",
            effect=Effect.WRITE,
            subject=("decision", str(decision)),
            reasoning=f"Requested a review of {row.operation}.",
            parents=[decision],
            scope_id=row.scope_id,
        )
        return True


def assign(*, organisation: UUID, by: Actor, decisions: Sequence[UUID], to: str) -> int:
    """Assign queued decisions to a reviewer, or to nobody (`to` empty); return how many changed.

    An assignment is advisory: every reviewer may still review.
    """
    with (
        observe_operation("decision.assign", organisation=str(organisation)),
        tenant_transaction(organisation),
    ):
        cases = ReviewCase.objects.filter(organisation_id=organisation, decision_id__in=decisions)
        chosen = dict(
            cases.exclude(state__in=SETTLED)
            .exclude(assigned_to=to)
            .select_for_update()
            .order_by("decision_id")
            .values_list("decision_id", "scope_id")
        )
        changed = list(chosen)
        if not changed:
            return 0
        cases.filter(decision_id__in=changed).update(assigned_to=to, changed_at=timezone.now())
        record(
            organisation=organisation,
            by=by,
            operation="decision.assign",
            effect=Effect.WRITE,
            reasoning=f"Assigned {len(changed)} decisions to {to or 'nobody'} for review.",
            inputs={"to": to},
            outputs={"decisions": [str(each) for each in changed]},
            scope_id=scope_of_act(chosen.values()),
        )
        return len(changed)


def _decision(organisation: UUID, decision: UUID) -> DecisionRecord:
    rows = DecisionRecord.objects.filter(organisation_id=organisation, id=decision).select_related("payload")
    row = one_or(DecisionNotFound, rows)
    if row.operation == REVIEW_OPERATION:
        raise ReviewForbidden("A review can't be reviewed; review its decision again.")
    return row


def _lock_case(organisation: UUID, row: DecisionRecord) -> ReviewCase:
    """Return the decision's case, locked; create it if the policy did not queue the decision."""
    case = ReviewCase(
        decision=row,
        organisation_id=organisation,
        because=Because.HAND,
        rank=RANKS.get(RiskClass(row.risk_class), 3),
        sureness=NO_CONFIDENCE if row.confidence is None else row.confidence,
        decision_point=row.decision_point,
        scope_id=row.scope_id,
    )
    # insert, then lock, so that two concurrent reviewers lock the same row
    ReviewCase.objects.bulk_create([case], ignore_conflicts=True)
    return ReviewCase.objects.select_for_update().get(organisation_id=organisation, decision_id=row.id)


def _check_allowed(case: ReviewCase, verdict: Verdict) -> None:
    if case.state == ReviewState.OVERTURNED:
        raise ReviewForbidden("The decision has already been overturned; this is final.")
    if case.state == ReviewState.APPROVED and verdict is Verdict.APPROVE:
        raise ReviewForbidden("The decision has already been approved.")


def _record(
    organisation: UUID,
    by: Actor,
    decision: Decision,
    verdict: Verdict,
    reason: str,
    before: str,
    state: ReviewState,
    scope_id: int,
) -> UUID:
    more = " A second reviewer must agree." if state is ReviewState.WAITING_SECOND else ""
    review_id = record(
        organisation=organisation,
        by=by,
        operation=REVIEW_OPERATION,
        decision_point=verdict.point,
        effect=Effect.WRITE,
        risk_class=RiskClass.LIMITED if state is ReviewState.OVERTURNED else RiskClass.MINIMAL,
        subject=("decision", str(decision.id)),
        reasoning=f"{_REASONING[verdict]} {decision.operation}.{more} {reason}".strip(),
        inputs={"verdict": str(verdict), "reason": reason, "state": before},
        outputs={"state": str(state), "has_reverser": ports.has_reverser(decision.operation)},
        parents=[decision.id],
        # whoever sees the decision sees what reviewers say of it
        scope_id=scope_id,
    )
    # the reason may quote the cited memories, so erasing one of them erases it too
    cite(organisation=organisation, decision=review_id, memories=memories_of(decision))
    return review_id


def _move(case: ReviewCase, state: ReviewState, review_id: UUID, reversal: dict[str, Any] | None) -> None:
    case.state, case.changed_at = state, timezone.now()
    fields = ["state", "changed_at"]
    if state in SETTLED:
        case.settled_by, case.assigned_to, case.reversal = review_id, "", reversal
        fields += ["settled_by", "assigned_to", "reversal"]
    case.save(update_fields=fields)
