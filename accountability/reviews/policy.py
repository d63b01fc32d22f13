"""The review policy: reading it, setting it, and filling the queue by it."""

from collections.abc import Sequence
from dataclasses import asdict
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
    """Return an organisation's policy, inside the caller's tenant transaction."""
    row = ReviewPolicy.objects.filter(organisation_id=organisation).first()
    return Policy() if row is None else Policy.from_attributes(row)


def set_policy(*, organisation: UUID, by: Actor, policy: Policy) -> UUID:
    """Replace the policy; return the decision's id. Queued decisions stay queued."""
    with observe_operation("review.policy", organisation=str(organisation)), tenant_transaction(organisation):
        before, values = asdict(get_policy(organisation=organisation)), asdict(policy)
        defaults = {name: list(each) if isinstance(each, tuple) else each for name, each in values.items()}
        ReviewPolicy.objects.update_or_create(organisation_id=organisation, defaults=defaults)
        changed = [name for name, value in values.items() if before[name] != value]
        return record(
            organisation=organisation,
            by=by,
            operation="review.policy",
            effect=Effect.WRITE,
            risk_class=RiskClass.LIMITED,
            subject=("review_policy", str(organisation)),
            reasoning=f"Changed the review policy: {', '.join(changed) or 'nothing'}.",
            inputs={"before": before},
            outputs=values,
        )


def enter_queue(*, organisation: UUID, decisions: Sequence[UUID]) -> int:
    """Queue the decisions that the organisation's policy selects; return how many.

    The sequencer calls it in the transaction that gives the records their places, so that recording is not slowed and no
    sequenced record is missed.
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
    return raw_cursor().execute(ENTER_QUEUE, values).rowcount
