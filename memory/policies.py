"""An organisation's policies that are one choice of a few: read, and set on record."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar
from uuid import UUID

from accountability.operations import record
from accountability.types import Effect, RiskClass
from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.telemetry.manager import observe_operation
from liftos.kernel.tenancy.types import Actor
from memory.models.trust import ChosenPolicy, DerivedPolicy, RejectionPolicy
from memory.policy_types import Policy, RejectedInside

P = TypeVar("P", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class OrganisationPolicy(Generic[P]):
    """One such policy.

    Attributes:
        name: of its operation in the log.
        model: its table, a row for each organisation that has set one.
        choices: what can be chosen.
        default: where none was set.
        about: what it is for, in words, which begin the record's reasoning.
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
        """Set an organisation's policy; memories stay as they are. Return the decision's id, None where nothing changed."""
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
                reasoning=f"{self.about}: {policy}, it was {before}.",
                inputs={"before": str(before)},
                outputs={"policy": str(policy)},
            )


DERIVED_POLICY = OrganisationPolicy(
    "memory.derived_policy",
    DerivedPolicy,
    Policy,
    Policy.CONTEST,
    "Memories made from one that no longer holds",
)
REJECTION_POLICY = OrganisationPolicy(
    "memory.rejection_policy",
    RejectionPolicy,
    RejectedInside,
    RejectedInside.FLAG,
    "Texts that hold a rejected value",
)
