"""`/api/v1/decisions/{decision}/chain`: a decision's ancestors and descendants."""

from uuid import UUID

from pydantic import BaseModel
from rest_framework.request import Request
from rest_framework.response import Response

from accountability.api.decisions import DecisionOut, render
from accountability.decisions.chains import get_chain
from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.http.openapi import described
from liftos.kernel.http.pagination import page_of
from liftos.kernel.http.views import NativeView
from liftos.kernel.tenancy.types import Scope


class ChainStep(BaseModel):
    """A decision of a chain; `distance` is negative for ancestors, 0 for the requested one, positive for descendants."""

    distance: int
    decision: DecisionOut


class DecisionChain(NativeView):
    """A decision's ancestors and descendants."""

    scopes = {"GET": Scope.DECISIONS_READ}

    @described("decisions_chain", responses={200: page_of(ChainStep, "ChainOut", is_only=True)})
    def get(self, request: Request, decision: UUID) -> Response:
        """Return the chain through a decision, earliest ancestors first."""
        with tenant_transaction(self.organisation):
            steps = get_chain(organisation=self.organisation, decision=decision)
            shown = render(self.organisation, [step.decision for step in steps])
        results = [
            {"distance": step.distance, "decision": decision}
            for step, decision in zip(steps, shown, strict=True)
        ]
        return Response({"results": results, "next": None})
