"""`/api/v1/decisions/{decision}/proof`: a proof of inclusion that outsiders verify offline."""

from uuid import UUID

from drf_spectacular.types import OpenApiTypes
from rest_framework.request import Request
from rest_framework.response import Response

from accountability.api.decisions import WaitQuery
from accountability.ledger import proofs
from accountability.ledger.sequencer import wait_until_integrated
from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.http.openapi import described
from liftos.kernel.http.views import NativeView
from liftos.kernel.tenancy.types import Scope


class ProofQuery(WaitQuery):
    """Options of a proof: `disclose` adds the payload and its salt."""

    disclose: bool = False


class DecisionProof(NativeView):
    """A proof that a record is in the log."""

    scopes = {"GET": Scope.DECISIONS_READ}

    @described(
        "decisions_proof",
        query=ProofQuery,
        responses={
            200: OpenApiTypes.OBJECT,
            409: {"description": "The record is still waiting for its place in the log"},
        },
    )
    def get(self, request: Request, decision: UUID) -> Response:
        """Return the proof; `accountability/ledger/verifier.py` checks it offline."""
        query = self.query(ProofQuery)
        if query.wait:
            wait_until_integrated(organisation=self.organisation, decision=decision)
        with tenant_transaction(self.organisation):
            return Response(
                proofs.get_proof(organisation=self.organisation, decision=decision, disclose=query.disclose)
            )
