"""`/api/v1/decisions/export`: all decisions as JSON lines or W3C PROV."""

from typing import Literal

from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from pydantic import BaseModel
from rest_framework.request import Request

from accountability.decisions.exports import export_lines, export_prov
from liftos.kernel.http.openapi import described
from liftos.kernel.http.views import NativeView
from liftos.kernel.tenancy.types import Scope


class ExportQuery(BaseModel):
    """The format of an export."""

    format: Literal["jsonl", "prov"] = "jsonl"


class DecisionExport(NativeView):
    """All decisions, oldest first, as JSON lines or as one PROV-JSON document."""

    scopes = {"GET": Scope.DECISIONS_READ}
    costly = True

    @described(
        "decisions_export",
        query=ExportQuery,
        responses={
            (200, "application/x-ndjson"): OpenApiTypes.STR,
            (200, "application/json"): OpenApiTypes.OBJECT,
        },
    )
    def get(self, request: Request) -> StreamingHttpResponse:
        """Stream the decisions."""
        if self.query(ExportQuery).format == "prov":
            return StreamingHttpResponse(
                export_prov(organisation=self.organisation), content_type="application/json"
            )
        lines = export_lines(organisation=self.organisation)
        return StreamingHttpResponse(lines, content_type="application/x-ndjson")
