"""Stores ended traces in Postgres in a background thread. Traces that can't be written are lost and counted."""

import logging
import math
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db import connection
from pydantic_core import to_json

from liftos.kernel.db.transactions import raw_cursor, tenant_transaction
from liftos.kernel.ids import as_uuid, new_id
from liftos.kernel.telemetry.storage.queued import QueuedSink
from liftos.kernel.telemetry.tracing.spans import Span, SpanLevel

logger = logging.getLogger("liftos.traces")

MAX_SPANS = 1_000
MAX_TAG = 200
LOG_EVERY_S = 60.0

# %(spans)b: sent as text, every quote in a JSON array is escaped, which took three quarters of the time
_INSERT = """
INSERT INTO observability_tracerecord
    (id, organisation_id, trace_id, correlation_id, name, started_at, duration_ms, status, spans)
SELECT t.id, %(organisation)s, t.trace_id, t.correlation_id, t.name, t.started_at, t.duration_ms, t.status,
       t.spans::jsonb
FROM unnest(%(ids)s::uuid[], %(trace_ids)s::text[], %(correlation_ids)s::text[], %(names)s::text[],
            %(started)s::timestamptz[], %(durations)s::float8[], %(statuses)s::text[], %(spans)b::text[])
     AS t(id, trace_id, correlation_id, name, started_at, duration_ms, status, spans)
"""
_LEVELS = {int(level): level.name for level in SpanLevel}


class TraceWriter(QueuedSink):
    """A trace sink that stores trees as `TraceRecord`s.

    Attributes:
        written: traces stored.
        lost: traces that could not be stored.
    """

    thread_name = "trace-writer"

    def __init__(
        self,
        *,
        capacity: int = 1_000,
        pause: float = 0.5,
        background: bool = True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Create a writer; its thread starts with the first trace. See `QueuedSink` for the other arguments.

        Args:
            capacity: see `QueuedSink`.
            pause: see `QueuedSink`.
            background: see `QueuedSink`.
            clock: monotonic, seconds.
        """
        self._clock = clock
        self.written = self.lost = 0
        self._logged_at = -math.inf
        super().__init__(capacity=capacity, pause=pause, background=background)

    def _rest(self) -> None:
        connection.close()

    def _handle(self, trees: list[list[Span]]) -> None:
        waiting: defaultdict[UUID, list[list[Span]]] = defaultdict(list)
        for ended in trees:
            organisation = organisation_of(ended)
            # spans that ended after their root, and trees without exactly one organisation, are not stored
            if organisation is not None and ended[-1].parent is None:
                waiting[organisation].append(ended)
        reached = True
        for organisation, own in waiting.items():
            try:
                if reached:
                    _insert(organisation, own)
                    self.written += len(own)
                    continue
            except Exception as error:  # noqa: BLE001  a failure may only cost traces
                # without a connection, every further organisation would wait for the timeout again
                reached = connection.is_usable() if connection.connection is not None else False
                self._log(error)
            self.lost += len(own)

    def _log(self, error: Exception) -> None:
        now = self._clock()
        if now - self._logged_at >= LOG_EVERY_S:
            self._logged_at = now
            logger.warning("traces could not be stored and are lost", exc_info=error)


def organisation_of(ended: Sequence[Span]) -> UUID | None:
    """Return the organisation of a tree's spans; None if they name none or several."""
    named = {span.tags["organisation"] for span in ended if "organisation" in span.tags}
    found = {each for each in map(as_uuid, named) if each is not None}
    return found.pop() if len(found) == 1 else None


def _insert(organisation: UUID, trees: list[list[Span]]) -> None:
    roots = [ended[-1] for ended in trees]
    with tenant_transaction(organisation), raw_cursor() as cursor:
        # losing the last traces in a crash is acceptable, waiting for the disk is not
        cursor.execute("SET LOCAL synchronous_commit = off")
        cursor.execute(
            _INSERT,
            {
                "organisation": organisation,
                "ids": [new_id() for _ in trees],
                "trace_ids": [root.trace_id for root in roots],
                "correlation_ids": [str(root.tags.get("correlation_id", "")) for root in roots],
                "names": [root.name[:200] for root in roots],
                "started": [datetime.fromtimestamp(root.start_wall / 1e9, UTC) for root in roots],
                "durations": [root.duration_ns / 1e6 for root in roots],
                "statuses": [root.status for root in roots],
                "spans": [to_json(_spans(ended)).decode() for ended in trees],
            },
        )


def _spans(ended: list[Span]) -> list[dict[str, Any]]:
    begun = ended[-1].start_ns
    # the earliest: parents start before their children, so these still form a tree
    earliest = sorted(ended, key=lambda span: span.start_ns)[:MAX_SPANS]
    return [
        {
            "span_id": span.span_id,
            "parent_id": span.parent_id,
            "name": span.name,
            "level": _LEVELS[span.level],
            "start_ns": span.start_ns - begun,
            "duration_ns": span.duration_ns,
            "status": span.status,
            "error_type": span.error_type,
            "tags": {key: _plain(value) for key, value in span.tags.items() if key != "organisation"},
        }
        for span in earliest
    ]


def _plain(value: Any) -> Any:
    """Return a value that jsonb accepts: no NUL, lone surrogate or infinity."""
    kind = type(value)
    if kind is str and len(value) <= MAX_TAG and value.isascii() and "\x00" not in value:
        return value
    if kind is int or kind is bool or value is None or (kind is float and math.isfinite(value)):
        return value
    return str(value)[:MAX_TAG].replace("\x00", "").encode("utf-8", "replace").decode()
