"""An organisation's policy for erasures."""

from dataclasses import asdict
from uuid import UUID

from accountability.operations import record
from accountability.types import Effect, RiskClass
from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.telemetry.manager import observe_operation
from liftos.kernel.tenancy.types import Actor
from memory.models.trust import ErasurePolicy
from memory.policy_types import Refuse, Wanted


def get_policy(*, organisation: UUID) -> Wanted:
    """Return an organisation's policy, inside the caller's tenant transaction."""
    found = ErasurePolicy.objects.filter(organisation_id=organisation).first()
    return Wanted(found.scrub_quotes, Refuse(found.refuse_erased_ids)) if found else Wanted()


def set_policy(*, organisation: UUID, by: Actor, policy: Wanted) -> UUID | None:
    """Set an organisation's policy for later erasures and writes; return the decision's id, None if nothing changed."""
    with (
        observe_operation("memory.erasure_policy", organisation=str(organisation)),
        tenant_transaction(organisation),
    ):
        before = get_policy(organisation=organisation)
        ErasurePolicy.objects.update_or_create(organisation_id=organisation, defaults=asdict(policy))
        if policy == before:
            return None
        quotes = "scrubbed" if policy.scrub_quotes else "kept"
        return record(
            organisation=organisation,
            by=by,
            operation="memory.erasure_policy",
            effect=Effect.WRITE,
            risk_class=RiskClass.LIMITED,
            subject=("organisation", str(organisation)),
            reasoning=f"Payloads of decisions that quote an erased text: {quotes}. Erased external ids refused: {policy.refuse_erased_ids}.",
            inputs={"before": asdict(before)},
            outputs={"policy": asdict(policy)},
        )
