"""Traces to an OpenTelemetry collector: OTLP over HTTP, in its JSON form, which needs no package.

Source: OpenTelemetry Protocol 1.x, "OTLP/HTTP" and "JSON Protobuf Encoding"; semantic convention `error.type`.
"""

import json
import logging
import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from liftos.kernel.http import client
from liftos.kernel.telemetry.metrics.prometheus import OTLP_TRACES
from liftos.kernel.telemetry.storage.queued import QueuedSink
from liftos.kernel.telemetry.tracing.spans import Span, SpanLevel

logger = logging.getLogger("liftos.traces")

TIMEOUT_S = 10.0
LOG_EVERY_S = 60.0
# traces in one request: at twenty spans of half a kilobyte, a megabyte
BATCH = 100
MAX_TEXT = 1_000
_INTERNAL, _SERVER = 1, 2
_ERROR = 2
_EXACT = 2**63


class OtlpExporter(QueuedSink):
    """A sink that posts trees to a collector.

    What the collector does not take, or what comes while it is slow and the queue is full, is lost and counted: traces
    never hold up the work they watch, nor pile up in memory.

    Attributes:
        exported: traces that the collector took.
        lost: traces that it did not.
    """

    thread_name = "otlp"

    def __init__(
        self,
        url: str,
        *,
        service: str = "memory",
        headers: Mapping[str, str] | None = None,
        capacity: int = 1_000,
        pause: float = 1.0,
        background: bool = True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Make an exporter; its thread starts with the first trace.

        Args:
            url: of the collector's traces, for example `http://localhost:4318/v1/traces`; http or https.
            service: the name that the traces go under.
            headers: sent along, for a collector that wants a token.
            capacity: traces waiting.
            pause: seconds for which traces gather before they are sent together.
            background: False leaves the sending to `flush`.
            clock: seconds, never going back.

        Raises:
            ValueError: the address is not http or https.
        """
        if not url.startswith(("http://", "https://")):
            raise ValueError("an OTLP address begins with http:// or https://")
        self._url = url
        self._service = service
        self._headers = {"Content-Type": "application/json"} | dict(headers or {})
        self._clock = clock
        self._told_at = -math.inf
        self.exported = self.lost = 0
        super().__init__(capacity=capacity, pause=pause, background=background)

    def __call__(self, ended: list[Span]) -> None:
        """Take a tree, or drop it and count."""
        before = self.dropped
        super().__call__(ended)
        if self.dropped != before:
            OTLP_TRACES.labels("dropped").inc()

    def _handle(self, trees: list[list[Span]]) -> None:
        for start in range(0, len(trees), BATCH):
            batch = trees[start : start + BATCH]
            try:
                self._post(batch)
            except Exception as error:  # noqa: BLE001  whatever is wrong, only traces are lost
                # a collector that is away would be waited for again with every batch
                self.lost += len(trees) - start
                OTLP_TRACES.labels("lost").inc(len(trees) - start)
                self._tell(error)
                return
            self.exported += len(batch)
            OTLP_TRACES.labels("exported").inc(len(batch))

    def _post(self, trees: list[list[Span]]) -> None:
        body = json.dumps(export_request(self._service, trees)).encode()
        answer = client.post(self._url, body, headers=self._headers, timeout=TIMEOUT_S)
        if not answer.is_success:
            raise client.NoAnswer(f"status {answer.status}")

    def _tell(self, error: Exception) -> None:
        now = self._clock()
        if now - self._told_at >= LOG_EVERY_S:
            self._told_at = now
            logger.warning("the collector did not take traces; they are lost", extra={"reason": str(error)})


def export_request(service: str, trees: Sequence[Sequence[Span]]) -> dict[str, Any]:
    """Return trees as an ExportTraceServiceRequest in JSON.

    The text of an error is left out, as it is from what we store: it may repeat content, which erasure would not find.
    """
    return {
        "resourceSpans": [
            {
                "resource": {"attributes": [_attribute("service.name", service)]},
                "scopeSpans": [
                    {
                        "scope": {"name": "liftos"},
                        "spans": [_span(span) for ended in trees for span in ended],
                    }
                ],
            }
        ]
    }


def _span(span: Span) -> dict[str, Any]:
    tags = {"liftos.level": SpanLevel(span.level).name} | span.tags
    if span.error_type:
        tags["error.type"] = span.error_type
    return {
        "traceId": span.trace_id,
        "spanId": span.span_id,
        "parentSpanId": span.parent_id,
        "name": span.name,
        "kind": _SERVER if span.parent is None and "status" in span.tags else _INTERNAL,
        # 64-bit numbers are text in this form
        "startTimeUnixNano": str(span.start_wall),
        "endTimeUnixNano": str(span.start_wall + max(0, span.duration_ns)),
        "attributes": [_attribute(key, value) for key, value in tags.items()],
        "status": {"code": _ERROR} if span.error_type else {},
    }


def _attribute(key: str, value: Any) -> dict[str, Any]:
    return {"key": key, "value": _value(value)}


def _value(value: Any) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int) and -_EXACT <= value < _EXACT:
        return {"intValue": str(int(value))}
    if isinstance(value, float) and math.isfinite(value):
        return {"doubleValue": value}
    return {"stringValue": str(value)[:MAX_TEXT].encode("utf-8", "replace").decode()}
