"""`/api/v1/memories/{derived,rejection,secrets,erasure}-policy`: an organisation's policies for its memories."""

from dataclasses import asdict
from typing import Any, ClassVar
from uuid import UUID

from drf_spectacular.utils import extend_schema
from pydantic import BaseModel
from rest_framework.request import Request
from rest_framework.response import Response

from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.http.strict import Strict
from liftos.kernel.http.views import NativeView
from liftos.kernel.tenancy.types import Scope
from memory.erasure import erasure_policy
from memory.policies import DERIVED_POLICY, REJECTION_POLICY, SECRETS_POLICY, OrganisationPolicy
from memory.policy_types import Policy, Refuse, RejectedInside, Secrets, Wanted


class DerivedPolicyIn(Strict):
    """What happens to memories derived from one that is erased, rejected or superseded."""

    policy: Policy


class DerivedPolicyOut(BaseModel):
    """The policy; `decision_id` is the record of the change, null if nothing changed."""

    policy: Policy
    decision_id: UUID | None


class RejectionPolicyIn(Strict):
    """What happens to texts that contain a rejected value."""

    policy: RejectedInside


class RejectionPolicyOut(BaseModel):
    """The policy; `decision_id` is the record of the change, null if nothing changed."""

    policy: RejectedInside
    decision_id: UUID | None


class SecretsPolicyIn(Strict):
    """The policy for secrets in what is stored."""

    policy: Secrets


class SecretsPolicyOut(BaseModel):
    """The policy; `decision_id` is the record of the change, null if nothing changed."""

    policy: Secrets
    decision_id: UUID | None


class ErasurePolicyIn(Strict):
    """Whether erasures scrub quotes, and where erased external ids are refused."""

    scrub_quotes: bool
    refuse_erased_ids: Refuse


class ErasurePolicyOut(BaseModel):
    """The policy; `decision_id` is the record of the change, null if nothing changed."""

    scrub_quotes: bool
    refuse_erased_ids: Refuse
    decision_id: UUID | None


class _PolicyView(NativeView):
    """An organisation's policy with a single value."""

    scopes: ClassVar[dict[str, Scope]] = {"GET": Scope.MEMORY_READ, "PUT": Scope.ADMIN}
    policy: ClassVar[OrganisationPolicy[Any]]

    def show(self) -> Response:
        """Respond with the current policy."""
        organisation = self.principal.organisation
        with tenant_transaction(organisation):
            policy = self.policy.get(organisation=organisation)
        return Response({"policy": str(policy), "decision_id": None})

    def change(self, policy: Any) -> Response:
        """Set the policy; respond with it and the record of the change."""
        principal = self.principal
        decision = self.policy.set(organisation=principal.organisation, by=principal.actor, policy=policy)
        return Response({"policy": str(policy), "decision_id": str(decision) if decision else None})


class DerivedPolicyView(_PolicyView):
    """The policy for derived memories."""

    policy = DERIVED_POLICY

    @extend_schema(operation_id="derived_policy_get", responses={200: DerivedPolicyOut})
    def get(self, request: Request) -> Response:
        """Return the policy for derived memories: contest, hide or keep."""
        del request
        return self.show()

    @extend_schema(
        operation_id="derived_policy_set", request=DerivedPolicyIn, responses={200: DerivedPolicyOut}
    )
    def put(self, request: Request) -> Response:
        """Set the policy for derived memories. It applies when a source is next erased, rejected or superseded."""
        del request
        return self.change(self.body(DerivedPolicyIn).policy)


class RejectionPolicyView(_PolicyView):
    """The policy for texts that contain a rejected value."""

    policy = REJECTION_POLICY

    @extend_schema(operation_id="rejection_policy_get", responses={200: RejectionPolicyOut})
    def get(self, request: Request) -> Response:
        """Return the policy for texts that contain a rejected value: flag, refuse or allow."""
        del request
        return self.show()

    @extend_schema(
        operation_id="rejection_policy_set", request=RejectionPolicyIn, responses={200: RejectionPolicyOut}
    )
    def put(self, request: Request) -> Response:
        """Set the policy for texts that contain a rejected value. It applies to later writes."""
        del request
        return self.change(self.body(RejectionPolicyIn).policy)


class SecretsPolicyView(_PolicyView):
    """The policy for secrets in what is stored."""

    policy = SECRETS_POLICY

    @extend_schema(operation_id="secrets_policy_get", responses={200: SecretsPolicyOut})
    def get(self, request: Request) -> Response:
        """Return the policy for secrets: allow, flag, redact or refuse."""
        del request
        return self.show()

    @extend_schema(
        operation_id="secrets_policy_set", request=SecretsPolicyIn, responses={200: SecretsPolicyOut}
    )
    def put(self, request: Request) -> Response:
        """Set the policy for secrets. It applies to later writes."""
        del request
        return self.change(self.body(SecretsPolicyIn).policy)


class ErasurePolicyView(NativeView):
    """The policy for erasures."""

    scopes: ClassVar[dict[str, Scope]] = {"GET": Scope.MEMORY_READ, "PUT": Scope.ADMIN}

    @extend_schema(operation_id="erasure_policy_get", responses={200: ErasurePolicyOut})
    def get(self, request: Request) -> Response:
        """Return the policy for erasures."""
        del request
        organisation = self.principal.organisation
        with tenant_transaction(organisation):
            return self.answer(erasure_policy.get_policy(organisation=organisation), None)

    @extend_schema(
        operation_id="erasure_policy_set", request=ErasurePolicyIn, responses={200: ErasurePolicyOut}
    )
    def put(self, request: Request) -> Response:
        """Set the policy for erasures. It applies to later erasures and writes."""
        del request
        asked, principal = self.body(ErasurePolicyIn), self.principal
        policy = Wanted(asked.scrub_quotes, asked.refuse_erased_ids)
        decision = erasure_policy.set_policy(
            organisation=principal.organisation, by=principal.actor, policy=policy
        )
        return self.answer(policy, decision)

    def answer(self, policy: Wanted, decision: UUID | None) -> Response:
        """Respond with a policy and the record of its change."""
        return Response(asdict(policy) | {"decision_id": str(decision) if decision else None})
