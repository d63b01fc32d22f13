"""Reads about kept traces."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from liftos.kernel.errors import NotFound
from liftos.kernel.telemetry.models import TraceRecord

# a caller may send one traceparent with all its requests: of such a trace the beginning is shown
MAX_RECORDS = 100

_MICROSECOND, _MILLISECOND = timedelta(microseconds=1), timedelta(milliseconds=1)


class TraceNotFound(NotFound):
    """There is no such trace; one is kept if it was sampled, and appears within a second or two of its end."""

    code = "observability.trace_not_found"


@dataclass(frozen=True, slots=True)
class Trace:
    """All that one organisation did under one trace id.

    Attributes:
        name: of the root that began first; likewise correlation_id.
        spans: as in `TraceRecord`, with `start_ns` since `started_at`, in the order they began.
    """

    trace_id: str
    correlation_id: str
    name: str
    started_at: datetime
    duration_ms: float
    status: str
    spans: list[dict[str, Any]]


def get_trace(*, organisation: UUID, trace_id: str) -> Trace:
    """Return a kept trace; runs inside the organisation's transaction.

    Raises:
        TraceNotFound: there is none in this organisation.
    """
    found = TraceRecord.objects.filter(organisation_id=organisation, trace_id=trace_id)
    records = list(found.order_by("started_at", "id")[:MAX_RECORDS])
    if not records:
        raise TraceNotFound
    return assemble(records)


def assemble(records: Sequence[TraceRecord]) -> Trace:
    """Return records of one trace, earliest first, as one."""
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
