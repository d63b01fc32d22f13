"""An organisation's single-choice policies, whose changes are recorded as decisions."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Generic, TypeVar
from uuid import UUID

from accountability.operations import record
from accountability.types import Effect, RiskClass
from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.telemetry.manager import observe_operation
from liftos.kernel.tenancy.types import Actor
from memory.models.trust import ChosenPolicy, DerivedPolicy, RejectionPolicy, SecretsPolicy
from memory.policy_types import Policy, RejectedInside, Secrets
from memory.secrets.screening import screen_json

P = TypeVar("P", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class OrganisationPolicy(Generic[P]):
    """A policy with a fixed set of choices.

    Attributes:
        name: operation name in decision records.
        model: table with one row per organisation that set the policy.
        choices: possible values.
        default: value if not set.
        about: subject of the policy, for the decision's reasoning.
    """

    name: str
    model: type[ChosenPolicy]
    choices: type[P]
    default: P
    about: str

    def get(self, *, organisation: UUID) -> P:
        """Return an organisation's policy, inside the caller's tenant transaction."""
        rows = self.model._default_manager.filter(organisation_id=organisation)
        found = rows.values_list("policy", flat=True).first()
        return self.choices(found) if found else self.default

    def set(self, *, organisation: UUID, by: Actor, policy: P) -> UUID | None:
        """Set an organisation's policy for later changes; return the decision's id, None if nothing changed."""
        with observe_operation(self.name, organisation=str(organisation)), tenant_transaction(organisation):
            before = self.get(organisation=organisation)
            self.model._default_manager.update_or_create(
                organisation_id=organisation, defaults={"policy": policy.value}
            )
            if policy is before:
                return None
            return record(
                organisation=organisation,
                by=by,
                operation=self.name,
                effect=Effect.WRITE,
                risk_class=RiskClass.LIMITED,
                subject=("organisation", str(organisation)),
                reasoning=f"{self.about}: {policy}, previously {before}.",
                inputs={"before": str(before)},
                outputs={"policy": str(policy)},
            )


DERIVED_POLICY = OrganisationPolicy(
    "memory.derived_policy",
    DerivedPolicy,
    Policy,
    Policy.CONTEST,
    "Policy for memories derived from one that is erased, rejected or superseded",
)
REJECTION_POLICY = OrganisationPolicy(
    "memory.rejection_policy",
    RejectionPolicy,
    RejectedInside,
    RejectedInside.FLAG,
    "Policy for texts that contain a rejected value",
)
SECRETS_POLICY = OrganisationPolicy(
    "memory.secrets_policy",
    SecretsPolicy,
    Secrets,
    Secrets.ALLOW,
    "Policy for secrets in what is stored",
)


def read_secrets_policy(organisation: UUID) -> Secrets:
    """Return an organisation's policy for secrets, in a transaction of its own."""
    with tenant_transaction(organisation):
        return SECRETS_POLICY.get(organisation=organisation)


def recordable(organisation: UUID, question: dict[str, Any]) -> dict[str, Any]:
    """Return what the record of a search may quote of its question: without secrets, unless the policy allows or flags them."""
    clean, found = screen_json(question)
    if not found or read_secrets_policy(organisation) in (Secrets.ALLOW, Secrets.FLAG):
        return question
    return dict(clean)
