"""Queries for stored traces."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from liftos.kernel.errors import NotFound
from liftos.kernel.telemetry.models import TraceRecord

# a caller may send the same traceparent with all its requests; only the beginning of such a trace is shown
MAX_RECORDS = 100

_MICROSECOND, _MILLISECOND = timedelta(microseconds=1), timedelta(milliseconds=1)


class TraceNotFound(NotFound):
    """No such trace. Only sampled traces are stored; they appear a second or two after they end."""

    code = "observability.trace_not_found"


@dataclass(frozen=True, slots=True)
class Trace:
    """One organisation's spans with one trace id.

    Attributes:
        name: of the earliest root; likewise correlation_id.
        spans: as in `TraceRecord`, with `start_ns` since `started_at`, earliest first.
    """

    trace_id: str
    correlation_id: str
    name: str
    started_at: datetime
    duration_ms: float
    status: str
    spans: list[dict[str, Any]]


def get_trace(*, organisation: UUID, trace_id: str) -> Trace:
    """Return a stored trace; runs inside the organisation's transaction.

    Raises:
        TraceNotFound: the organisation has no such trace.
    """
    found = TraceRecord.objects.filter(organisation_id=organisation, trace_id=trace_id)
    records = list(found.order_by("started_at", "id")[:MAX_RECORDS])
    if not records:
        raise TraceNotFound
    return assemble(records)


def assemble(records: Sequence[TraceRecord]) -> Trace:
    """Return one trace assembled from its records, given earliest first."""
    first = records[0]
    ends = [(each.started_at - first.started_at) / _MILLISECOND + each.duration_ms for each in records]
    spans = [
        span | {"start_ns": span["start_ns"] + (each.started_at - first.started_at) // _MICROSECOND * 1_000}
        for each in records
        for span in each.spans
    ]
    return Trace(
        trace_id=first.trace_id,
        correlation_id=first.correlation_id,
        name=first.name,
        started_at=first.started_at,
        duration_ms=max(ends),
        status="error" if any(each.status == "error" for each in records) else "ok",
        spans=sorted(spans, key=lambda span: span["start_ns"]),
    )
