"""`/api/v1/reviews/policy`: which decisions are reviewed."""

from dataclasses import asdict

from pydantic import Field
from rest_framework.request import Request
from rest_framework.response import Response

from accountability.reviews.policy import get_policy, set_policy
from accountability.types import Effect, Policy, RiskClass
from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.http.openapi import described
from liftos.kernel.http.strict import Strict
from liftos.kernel.http.views import NativeView
from liftos.kernel.tenancy.types import Scope


class PolicyBody(Strict):
    """The decisions that are reviewed, and those that need two reviewers."""

    risk_classes: list[RiskClass] = Field(default=[RiskClass.HIGH], max_length=3)
    confidence_below: float = Field(default=0.5, ge=0, le=1)
    effects: list[Effect] = Field(default=[Effect.WRITE, Effect.DELETE], max_length=3)
    sample_share: float = Field(default=0, ge=0, le=1)
    second_reviewer: list[RiskClass] = Field(default=[RiskClass.HIGH], max_length=3)


class ReviewPolicyDetail(NativeView):
    """The organisation's review policy."""

    scopes = {"GET": Scope.DECISIONS_READ, "PUT": Scope.ADMIN}

    @described("review_policy_get", responses={200: PolicyBody})
    def get(self, request: Request) -> Response:
        """Return the policy."""
        with tenant_transaction(self.organisation):
            return Response(asdict(get_policy(organisation=self.organisation)))

    @described("review_policy_set", request=PolicyBody, responses={200: PolicyBody})
    def put(self, request: Request) -> Response:
        """Replace the policy; queued decisions stay queued."""
        policy = Policy.from_attributes(self.body(PolicyBody))
        set_policy(**self.caller, policy=policy)
        return Response(asdict(policy))
