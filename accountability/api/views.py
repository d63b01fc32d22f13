"""`/api/v1/decisions`: the records, read."""

import base64
from dataclasses import asdict
from typing import Any
from uuid import UUID

from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accountability import queries
from accountability.api.schemas import (
    ChainOut,
    CheckpointOut,
    ConsistencyQuery,
    DecisionCreated,
    DecisionOut,
    DecisionPage,
    DecisionQuery,
    ExportQuery,
    ProofQuery,
    VerificationOut,
    WaitQuery,
)
from accountability.calibration.operations import calibrated
from accountability.decisions.chains import get_chain
from accountability.decisions.exports import export_lines, export_prov
from accountability.decisions.recording import record_own
from accountability.inputs import DecisionIn
from accountability.ledger import proofs, store
from accountability.ledger.sequencer import wait_until_integrated
from accountability.ledger.signing import origin_of, verifier_key
from accountability.ledger.verification import verify_within
from accountability.types import Decision
from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.http.idempotency.once import once
from liftos.kernel.http.openapi import query_parameters
from liftos.kernel.http.pagination import page
from liftos.kernel.http.views import NativeView
from liftos.kernel.telemetry.tracing.context import current_context
from liftos.kernel.tenancy.types import Scope


def render(decision: Decision, worth: float | None = None) -> dict[str, Any]:
    """Return a decision as JSON-ready values, with what its confidence is worth where that is known."""
    values = asdict(decision) | {"confidence_calibrated": worth}
    return DecisionOut.model_validate(values).model_dump(mode="json")


class DecisionList(NativeView):
    """The organisation's decisions, newest first."""

    scopes = {"GET": Scope.DECISIONS_READ, "POST": Scope.DECISIONS_WRITE}

    @extend_schema(
        operation_id="decisions_create",
        parameters=query_parameters(WaitQuery),
        request=DecisionIn,
        responses={201: DecisionCreated},
    )
    def post(self, request: Request) -> Response:
        """Put a decision of one's own on record."""
        asked, query, organisation = self.body(DecisionIn), self.query(WaitQuery), self.principal.organisation
        recorded = self.record(request)
        decision = UUID(recorded.data["id"])
        if asked.wait or query.wait:
            # after what the Idempotency-Key guards has committed: until then the sequencer can't see it
            wait_until_integrated(organisation=organisation, decision=decision)
        with tenant_transaction(organisation):
            recorded.data["index"] = store.index_of(organisation, decision)
        return recorded

    @once
    def record(self, request: Request) -> Response:
        """Record it."""
        del request
        principal = self.principal
        decision = record_own(
            organisation=principal.organisation, by=principal.actor, draft=self.body(DecisionIn)
        )
        context = current_context()
        body = {
            "id": str(decision),
            "correlation_id": context.correlation_id,
            "trace_id": context.trace_id,
        }
        return Response(body, status=201)

    @extend_schema(
        operation_id="decisions_list",
        parameters=query_parameters(DecisionQuery),
        responses={200: DecisionPage},
    )
    def get(self, request: Request) -> Response:
        """List decisions."""
        query = self.query(DecisionQuery)
        organisation = self.principal.organisation
        with tenant_transaction(organisation):
            rows = queries.list_decisions(
                organisation=organisation,
                limit=query.limit + 1,
                before=query.before,
                operation=query.operation,
                correlation_id=query.correlation_id,
                subject_id=query.subject_id,
            )
            worth = calibrated(organisation=organisation, decisions=rows)
        results = [render(row, worth.get(row.id)) for row in rows]
        return Response(page(request._request, rows, query.limit, results))


class DecisionDetail(NativeView):
    """One decision, with its reasons and what it was made from."""

    scopes = {"GET": Scope.DECISIONS_READ}

    @extend_schema(operation_id="decisions_get", responses={200: DecisionOut})
    def get(self, request: Request, decision: UUID) -> Response:
        """Return a decision."""
        del request
        organisation = self.principal.organisation
        with tenant_transaction(organisation):
            found = queries.get_decision(organisation=organisation, decision=decision)
            worth = calibrated(organisation=organisation, decisions=[found])
        return Response(render(found, worth.get(found.id)))


class DecisionChain(NativeView):
    """What a decision follows from, and what follows from it."""

    scopes = {"GET": Scope.DECISIONS_READ}

    @extend_schema(operation_id="decisions_chain", responses={200: ChainOut})
    def get(self, request: Request, decision: UUID) -> Response:
        """Return the chain through a decision."""
        del request
        organisation = self.principal.organisation
        with tenant_transaction(organisation):
            steps = get_chain(organisation=organisation, decision=decision)
            worth = calibrated(organisation=organisation, decisions=[step.decision for step in steps])
        results = [
            {"distance": step.distance, "decision": render(step.decision, worth.get(step.decision.id))}
            for step in steps
        ]
        return Response({"results": results, "next": None})


class DecisionProof(NativeView):
    """What an outsider needs to verify that a record is in the log."""

    scopes = {"GET": Scope.DECISIONS_READ}

    @extend_schema(
        operation_id="decisions_proof",
        parameters=query_parameters(ProofQuery),
        responses={
            200: OpenApiTypes.OBJECT,
            409: {"description": "The record waits for its place in the log"},
        },
    )
    def get(self, request: Request, decision: UUID) -> Response:
        """Return the proof; `accountability/ledger/verifier.py` checks it without us."""
        del request
        query, organisation = self.query(ProofQuery), self.principal.organisation
        if query.wait:
            wait_until_integrated(organisation=organisation, decision=decision)
        with tenant_transaction(organisation):
            return Response(
                proofs.get_proof(organisation=organisation, decision=decision, disclose=query.disclose)
            )


class DecisionExport(NativeView):
    """All decisions, oldest first: a JSON object a line, or one document of W3C PROV."""

    scopes = {"GET": Scope.DECISIONS_READ}
    costly = True

    @extend_schema(
        operation_id="decisions_export",
        parameters=query_parameters(ExportQuery),
        responses={
            (200, "application/x-ndjson"): OpenApiTypes.STR,
            (200, "application/json"): OpenApiTypes.OBJECT,
        },
    )
    def get(self, request: Request) -> StreamingHttpResponse:
        """Stream the decisions."""
        del request
        organisation = self.principal.organisation
        if self.query(ExportQuery).format == "prov":
            return StreamingHttpResponse(
                export_prov(organisation=organisation), content_type="application/json"
            )
        lines = export_lines(organisation=organisation)
        return StreamingHttpResponse(lines, content_type="application/x-ndjson")


class LedgerCheckpoint(NativeView):
    """The log's newest signed tree head."""

    scopes = {"GET": Scope.DECISIONS_READ}

    @extend_schema(operation_id="ledger_checkpoint", responses={200: CheckpointOut})
    def get(self, request: Request) -> Response:
        """Return the checkpoint, in C2SP's form and taken apart."""
        del request
        organisation = self.principal.organisation
        with tenant_transaction(organisation):
            head = proofs.get_checkpoint(organisation)
            pending = proofs.count_pending(organisation)
        return Response(
            {
                "origin": origin_of(organisation),
                "size": head.size,
                "root": base64.b64encode(head.root).decode(),
                "checkpoint": head.text,
                "key": verifier_key(),
                "pending": pending,
                "recorded_at": head.recorded_at.isoformat(),
            }
        )


class LedgerConsistency(NativeView):
    """A proof that the log only grew."""

    scopes = {"GET": Scope.DECISIONS_READ}

    @extend_schema(
        operation_id="ledger_consistency",
        parameters=query_parameters(ConsistencyQuery),
        responses={200: OpenApiTypes.OBJECT},
    )
    def get(self, request: Request) -> Response:
        """Prove that the tree of `to` records continues the tree of `from` records."""
        del request
        query, organisation = self.query(ConsistencyQuery), self.principal.organisation
        with tenant_transaction(organisation):
            return Response(
                proofs.get_consistency(organisation=organisation, first=query.first, second=query.second)
            )


class LedgerVerification(NativeView):
    """The log, rebuilt from its rows and compared with every signed checkpoint: what `verify_ledger` says."""

    scopes = {"GET": Scope.DECISIONS_READ}
    costly = True

    @extend_schema(operation_id="ledger_verification", responses={200: VerificationOut})
    def get(self, request: Request) -> Response:
        """Verify the log, if it is not too long for a request."""
        del request
        organisation = self.principal.organisation
        with tenant_transaction(organisation):
            records, verdict = verify_within(organisation, most=100_000)
        return Response({"holds": verdict.holds, "text": verdict.text, "records": records})
