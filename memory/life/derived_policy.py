"""An organisation's policy for memories whose source no longer holds: read, and set on record."""

from uuid import UUID

from accountability.operations import record
from accountability.types import Effect, RiskClass
from liftos.db import tenant_transaction
from liftos.observability.manager import observe_operation
from liftos.tenancy.types import Actor
from memory.life.derived_types import Policy
from memory.life.models import DerivedPolicy


def get_policy(*, organisation: UUID) -> Policy:
    """Return an organisation's policy, `contest` where none was set; inside the caller's tenant transaction."""
    found = (
        DerivedPolicy.objects.filter(organisation_id=organisation).values_list("policy", flat=True).first()
    )
    return Policy(found) if found else Policy.CONTEST


def set_policy(*, organisation: UUID, by: Actor, policy: Policy) -> UUID | None:
    """Set an organisation's policy; memories stay as they are. Return the decision's id, None where nothing changed."""
    with (
        observe_operation("memory.derived_policy", organisation=str(organisation)),
        tenant_transaction(organisation),
    ):
        before = get_policy(organisation=organisation)
        DerivedPolicy.objects.update_or_create(
            organisation_id=organisation, defaults={"policy": policy.value}
        )
        if policy is before:
            return None
        return record(
            organisation=organisation,
            by=by,
            operation="memory.derived_policy",
            effect=Effect.WRITE,
            risk_class=RiskClass.LIMITED,
            subject=("organisation", str(organisation)),
            reasoning=f"Memories made from one that no longer holds: {policy}, it was {before}.",
            inputs={"before": str(before)},
            outputs={"policy": str(policy)},
        )
