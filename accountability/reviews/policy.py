"""Which decisions are reviewed: an organisation's rules, read and set, and the queue filled by them."""

from collections.abc import Sequence
from dataclasses import asdict, astuple
from uuid import UUID

from accountability.models.reviews import ReviewPolicy
from accountability.operations import record
from accountability.reviews.statements import ENTER_QUEUE
from accountability.types import Effect, Policy, RiskClass
from liftos.kernel.db.binary import UuidArray
from liftos.kernel.db.transactions import raw_cursor, tenant_transaction
from liftos.kernel.telemetry.manager import observe_operation
from liftos.kernel.tenancy.types import Actor


def get_policy(*, organisation: UUID) -> Policy:
    """Return the rules of an organisation, inside the caller's tenant transaction."""
    row = ReviewPolicy.objects.filter(organisation_id=organisation).first()
    if row is None:
        return Policy()
    return Policy(
        tuple(row.risk_classes),
        row.confidence_below,
        tuple(row.effects),
        row.sample_share,
        tuple(row.second_reviewer),
    )


def set_policy(*, organisation: UUID, by: Actor, policy: Policy) -> UUID:
    """Replace the rules; what is in the queue stays there. Return the decision's id."""
    with observe_operation("review.policy", organisation=str(organisation)), tenant_transaction(organisation):
        before = get_policy(organisation=organisation)
        values = {name: list(v) if isinstance(v, tuple) else v for name, v in asdict(policy).items()}
        ReviewPolicy.objects.update_or_create(organisation_id=organisation, defaults=values)
        changed = [
            name
            for name, old, new in zip(asdict(policy), astuple(before), astuple(policy), strict=True)
            if old != new
        ]
        return record(
            organisation=organisation,
            by=by,
            operation="review.policy",
            effect=Effect.WRITE,
            risk_class=RiskClass.LIMITED,
            subject=("review_policy", str(organisation)),
            reasoning=f"Changed which decisions are reviewed: {', '.join(changed) or 'nothing'}.",
            inputs={"before": asdict(before)},
            outputs=asdict(policy),
        )


def enter_queue(*, organisation: UUID, decisions: Sequence[UUID]) -> int:
    """Put those decisions into the queue that the organisation's rules name; return how many.

    The sequencer calls it, in the transaction that gives the records their places: nothing is added to the writers' way, and
    no record with a place was overlooked.
    """
    policy = get_policy(organisation=organisation)
    values = {
        "organisation": organisation,
        "ids": UuidArray(each.bytes for each in decisions),
        "risk_classes": list(policy.risk_classes),
        "confidence_below": policy.confidence_below,
        "effects": list(policy.effects),
        "sample_share": policy.sample_share,
    }
    with raw_cursor() as cursor:
        return cursor.execute(ENTER_QUEUE, values).rowcount
