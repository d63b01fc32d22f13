"""`/api/v1/traces/{trace_id}`: where the time of a request went."""

import re
from datetime import datetime
from typing import Any

from django.urls import path
from drf_spectacular.utils import extend_schema
from pydantic import BaseModel
from rest_framework.request import Request
from rest_framework.response import Response

from liftos.api.views import NativeView
from liftos.db import tenant_transaction
from liftos.observability.queries import Trace, TraceNotFound, get_trace
from liftos.tenancy.types import Scope

_TRACE_ID = re.compile(r"[0-9a-f]{32}")


class SpanOut(BaseModel):
    """One piece of work; its parent may be another service's."""

    span_id: str
    parent_id: str
    name: str
    level: str
    start_offset_ms: float
    duration_ms: float
    status: str
    error_type: str
    tags: dict[str, Any]


class TraceOut(BaseModel):
    """A trace: all that was done here under one trace id."""

    trace_id: str
    correlation_id: str
    name: str
    started_at: datetime
    duration_ms: float
    status: str
    spans: list[SpanOut]


def render(trace: Trace) -> dict[str, Any]:
    """Return a trace as JSON-ready values."""
    same = ("span_id", "parent_id", "name", "level", "status", "error_type", "tags")
    spans = [
        SpanOut(
            start_offset_ms=span["start_ns"] / 1e6,
            duration_ms=span["duration_ns"] / 1e6,
            **{name: span[name] for name in same},
        )
        for span in trace.spans
    ]
    return TraceOut(
        trace_id=trace.trace_id,
        correlation_id=trace.correlation_id,
        name=trace.name,
        started_at=trace.started_at,
        duration_ms=trace.duration_ms,
        status=trace.status,
        spans=spans,
    ).model_dump(mode="json")


class TraceDetail(NativeView):
    """One trace, its spans in the order they began."""

    scopes = {"GET": Scope.DECISIONS_READ}

    @extend_schema(operation_id="traces_get", responses={200: TraceOut})
    def get(self, request: Request, trace_id: str) -> Response:
        """Return a trace."""
        del request
        if not _TRACE_ID.fullmatch(trace_id):
            raise TraceNotFound
        organisation = self.principal.organisation
        with tenant_transaction(organisation):
            trace = get_trace(organisation=organisation, trace_id=trace_id)
        return Response(render(trace))


urlpatterns = [path("traces/<str:trace_id>", TraceDetail.as_view())]
