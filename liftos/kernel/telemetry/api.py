"""`/api/v1/traces/{trace_id}`: a stored trace. `/api/v1/metrics/operations`: figures of operations."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

from django.urls import path
from django.utils import timezone
from pydantic import BaseModel
from rest_framework.request import Request
from rest_framework.response import Response

from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.http.dump import as_json
from liftos.kernel.http.openapi import described
from liftos.kernel.http.pagination import QueryText, page_of
from liftos.kernel.http.times import EndMoment, Moment, not_before
from liftos.kernel.http.views import NativeView
from liftos.kernel.telemetry.metrics.history import Step, read_intervals
from liftos.kernel.telemetry.storage.queries import Trace, TraceNotFound, get_trace
from liftos.kernel.tenancy.types import Scope

_FIRST = datetime.min.replace(tzinfo=UTC)
_TRACE_ID = re.compile(r"[0-9a-f]{32}")


class SpanOut(BaseModel):
    """A span; its parent may belong to another service."""

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
    """This service's spans with one trace id."""

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
    return as_json(TraceOut, trace, spans=spans)


class TraceDetail(NativeView):
    """One trace, its spans in order of their start."""

    scopes = {"GET": Scope.DECISIONS_READ}

    @described("traces_get", responses={200: TraceOut})
    def get(self, request: Request, trace_id: str) -> Response:
        """Return a trace."""
        trace_id = trace_id.lower()
        if not _TRACE_ID.fullmatch(trace_id):
            raise TraceNotFound
        with tenant_transaction(self.organisation):
            trace = get_trace(organisation=self.organisation, trace_id=trace_id)
        return Response(render(trace))


class OperationsQuery(BaseModel):
    """Query parameters; the default period is the last hour, or the last day in steps of an hour."""

    step: Step = Step.MINUTE
    since: Moment | None = None
    until: EndMoment | None = None
    operation: QueryText = ""

    _in_order = not_before("until", "since")


class IntervalOut(BaseModel):
    """Figures of one operation in a minute or an hour; times in ms."""

    at: datetime
    operation: str
    count: int
    failures: int
    success_rate: float
    mean_ms: float
    p50_ms: float
    p95_ms: float
    max_ms: float


class Operations(NativeView):
    """Figures of the organisation's operations by minute or hour."""

    scopes = {"GET": Scope.MEMORY_READ}

    @described(
        "metrics_operations", query=OperationsQuery, responses={200: page_of(IntervalOut, is_only=True)}
    )
    def get(self, request: Request) -> Response:
        """List figures, earliest first, at most 10,000; those of the current minute are complete when it has ended."""
        asked = self.query(OperationsQuery)
        until = asked.until or timezone.now()
        since = asked.since or _before(
            until, timedelta(**{"hours" if asked.step is Step.MINUTE else "days": 1})
        )
        with tenant_transaction(self.organisation):
            found = read_intervals(
                organisation=self.organisation,
                step=asked.step,
                since=since,
                until=until,
                prefix=asked.operation,
            )
        results = [as_json(IntervalOut, each) for each in found]
        return Response({"results": results, "next": None})


def _before(moment: datetime, span: timedelta) -> datetime:
    """Return a time earlier by a span, but not before the first representable time."""
    return max(moment, _FIRST + span) - span


urlpatterns = [
    path("traces/<str:trace_id>", TraceDetail.as_view()),
    path("metrics/operations", Operations.as_view()),
]
