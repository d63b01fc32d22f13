"""Giving a verdict: a record of its own, the state it leads to and, for what is overturned, the reversal, in one transaction.

The decision's record and payload are never touched.

| state | approve | overturn | information |
|---|---|---|---|
| open, waiting_information, waiting_second | approved, or waiting_second | overturned, or waiting_second | waiting_information |
| approved | refused | as above: a new round | waiting_information: a new round |
| overturned | refused | refused | refused |
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils import timezone

from accountability import ports
from accountability.erasure import cite
from accountability.errors import DecisionNotFound, OwnDecision, ReviewForbidden
from accountability.models import DecisionRecord
from accountability.models.reviews import NO_CONFIDENCE, RANKS, ReviewCase
from accountability.operations import record
from accountability.queries import as_decision
from accountability.reviews.policy import get_policy
from accountability.reviews.queries import list_reviews
from accountability.reviews.states import is_same_party, state_after
from accountability.types import (
    REVIEW_OPERATION,
    SETTLED,
    Because,
    Decision,
    Effect,
    Reviewed,
    ReviewState,
    RiskClass,
    Verdict,
)
from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.errors import InvalidInput
from liftos.kernel.outbox.operations import emit
from liftos.kernel.telemetry.manager import observe_operation
from liftos.kernel.tenancy.types import Actor, ActorKind

MAX_REASON = 2_000
_DONE = {
    Verdict.APPROVE: "Approved",
    Verdict.OVERTURN: "Overturned",
    Verdict.INFORMATION: "Asked for information on",
}


def review(*, organisation: UUID, by: Actor, decision: UUID, verdict: Verdict, reason: str = "") -> Reviewed:
    """Say what is to be thought of a decision.

    Args:
        organisation: whose.
        by: the reviewer: neither the credential nor a person of the decision itself.
        decision: which.
        verdict: approve, overturn, or ask for information.
        reason: in words; optional only for an approval.

    Raises:
        DecisionNotFound: there is none in this organisation.
        OwnDecision: it is the reviewer's own.
        ReviewForbidden: it is overturned already, approved already, or a review itself.
        InvalidInput: a reason is wanted.
    """
    with (
        observe_operation("decision.review", organisation=str(organisation)),
        tenant_transaction(organisation),
    ):
        row = _decision(organisation, decision)
        if is_same_party(by, Actor(ActorKind(row.actor_kind), row.actor_id, row.on_behalf_of)):
            raise OwnDecision
        reason = reason.strip()
        if verdict is not Verdict.APPROVE and not reason:
            raise InvalidInput("A reason is wanted: it is what the others learn from.", loc=("reason",))
        case = _case(organisation, row)
        _require(case, verdict)
        earlier = list_reviews(organisation=organisation, decision=decision, after=case.settled_by)
        needs_second = row.risk_class in get_policy(organisation=organisation).second_reviewer
        state = state_after(earlier, verdict, by, needs_second=needs_second)
        told = as_decision(row)
        made = _record(organisation, by, told, verdict, reason, case.state, state)
        reversal = None
        if state is ReviewState.OVERTURNED:
            done = ports.reverse(ports.Overturned(organisation, by, told, made, reason))
            reversal = done.as_json() if done else None
        _move(case, state, made, reversal)
        emit(
            organisation=organisation,
            type="liftos.decision.reviewed",
            subject=f"decisions/{decision}",
            data={
                "decision_id": str(decision),
                "operation": row.operation,
                "verdict": str(verdict),
                "state": str(state),
                "review_id": str(made),
                "reversed": reversal is not None,
            },
        )
        return Reviewed(made, decision, verdict, state, reversal)


def ask_for_review(*, organisation: UUID, by: Actor, decision: UUID) -> bool:
    """Put a decision into the queue that the rules did not name; return whether it was not there yet.

    Raises:
        DecisionNotFound, ReviewForbidden: as for `review`.
    """
    with observe_operation("decision.ask", organisation=str(organisation)), tenant_transaction(organisation):
        row = _decision(organisation, decision)
        if ReviewCase.objects.filter(organisation_id=organisation, decision_id=decision).exists():
            return False
        _case(organisation, row)
        record(
            organisation=organisation,
            by=by,
            operation="decision.ask_for_review",
            effect=Effect.WRITE,
            subject=("decision", str(decision)),
            reasoning=f"Asked that {row.operation} be reviewed.",
            parents=[decision],
        )
        return True


def assign(*, organisation: UUID, by: Actor, decisions: Sequence[UUID], to: str) -> int:
    """Give decisions of the queue to a reviewer, or back to everybody (`to` empty); return how many changed hands.

    An assignment is a wish, not a lock: whoever may review may still do so.
    """
    with (
        observe_operation("decision.assign", organisation=str(organisation)),
        tenant_transaction(organisation),
    ):
        cases = ReviewCase.objects.filter(organisation_id=organisation, decision_id__in=decisions)
        changed = list(
            cases.exclude(state__in=SETTLED)
            .exclude(assigned_to=to)
            .select_for_update()
            .order_by("decision_id")
        )
        if not changed:
            return 0
        moved = [each.decision_id for each in changed]
        ReviewCase.objects.filter(organisation_id=organisation, decision_id__in=moved).update(
            assigned_to=to, changed_at=timezone.now()
        )
        record(
            organisation=organisation,
            by=by,
            operation="decision.assign",
            effect=Effect.WRITE,
            reasoning=f"{len(moved)} decisions to review: {f'assigned to {to}' if to else 'assigned to nobody'}.",
            inputs={"to": to},
            outputs={"decisions": [str(each) for each in moved]},
        )
        return len(moved)


def _decision(organisation: UUID, decision: UUID) -> DecisionRecord:
    rows = DecisionRecord.objects.filter(organisation_id=organisation, id=decision).select_related("payload")
    row = rows.first()
    if row is None:
        raise DecisionNotFound
    if row.operation == REVIEW_OPERATION:
        raise ReviewForbidden("A review is not itself reviewed: review its decision again.")
    return row


def _case(organisation: UUID, row: DecisionRecord) -> ReviewCase:
    """Return the decision's case, locked; whoever reviews what the rules did not name opens one."""
    fresh = ReviewCase(
        decision=row,
        organisation_id=organisation,
        because=Because.HAND,
        rank=RANKS.get(RiskClass(row.risk_class), 3),
        sureness=NO_CONFIDENCE if row.confidence is None else row.confidence,
        decision_point=row.decision_point,
    )
    # inserted first and then locked: two reviewers at once must meet at the same row
    ReviewCase.objects.bulk_create([fresh], ignore_conflicts=True)
    return ReviewCase.objects.select_for_update().get(organisation_id=organisation, decision_id=row.id)


def _require(case: ReviewCase, verdict: Verdict) -> None:
    if case.state == ReviewState.OVERTURNED:
        raise ReviewForbidden("The decision is overturned already; a new one takes its place.")
    if case.state == ReviewState.APPROVED and verdict is Verdict.APPROVE:
        raise ReviewForbidden("The decision is approved already.")


def _record(
    organisation: UUID,
    by: Actor,
    decision: Decision,
    verdict: Verdict,
    reason: str,
    before: str,
    state: ReviewState,
) -> UUID:
    more = " A second reviewer has to agree." if state is ReviewState.WAITING_SECOND else ""
    made = record(
        organisation=organisation,
        by=by,
        operation=REVIEW_OPERATION,
        decision_point=verdict.point,
        effect=Effect.WRITE,
        risk_class=RiskClass.LIMITED if state is ReviewState.OVERTURNED else RiskClass.MINIMAL,
        subject=("decision", str(decision.id)),
        reasoning=f"{_DONE[verdict]} {decision.operation}.{more} {reason}".strip(),
        inputs={"verdict": str(verdict), "reason": reason, "state": before},
        outputs={"state": str(state), "has_reverser": ports.has_reverser(decision.operation)},
        parents=[decision.id],
    )
    # the reason may quote what the decision was about: it goes when that is erased
    cite(organisation=organisation, decision=made, memories=memories_of(decision))
    return made


def memories_of(decision: Decision) -> list[UUID]:
    """Return the memories that a decision is about or was made from."""
    named = [str(each.get("id", "")) for each in decision.memories]
    if decision.subject_kind == "memory":
        named.append(decision.subject_id)
    return list(dict.fromkeys(found for each in named if (found := _as_id(each)) is not None))


def _as_id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _move(case: ReviewCase, state: ReviewState, review_id: UUID, reversal: dict[str, Any] | None) -> None:
    now: datetime = timezone.now()
    case.state, case.changed_at = state, now
    fields = ["state", "changed_at"]
    if state in SETTLED:
        case.settled_by, case.assigned_to, case.reversal = review_id, "", reversal
        fields += ["settled_by", "assigned_to", "reversal"]
    case.save(update_fields=fields)
