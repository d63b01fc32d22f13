"""`/api/v1/decisions`: the records, read."""

from dataclasses import asdict
from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accountability import queries
from accountability.api.schemas import DecisionOut, DecisionPage, DecisionQuery
from accountability.types import Decision
from liftos.api.pagination import page
from liftos.api.schema import query_parameters
from liftos.api.views import NativeView
from liftos.db import tenant_transaction
from liftos.tenancy.types import Scope


def render(decision: Decision) -> dict[str, Any]:
    """Return a decision as JSON-ready values."""
    return DecisionOut.model_validate(asdict(decision)).model_dump(mode="json")


class DecisionList(NativeView):
    """The organisation's decisions, newest first."""

    scopes = {"GET": Scope.DECISIONS_READ}

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
        return Response(page(request._request, rows, query.limit, [render(row) for row in rows]))


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
        return Response(render(found))
