"""Export of traces to an OpenTelemetry collector: OTLP/HTTP with JSON, which needs no extra package.

Source: OpenTelemetry Protocol 1.x, "OTLP/HTTP" and "JSON Protobuf Encoding"; semantic convention `error.type`.
"""

import json
import logging
import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from liftos.kernel.http import client
from liftos.kernel.telemetry.export.gen_ai import gen_ai_tags
from liftos.kernel.telemetry.metrics.prometheus import OTLP_TRACES
from liftos.kernel.telemetry.storage.queued import QueuedSink
from liftos.kernel.telemetry.tracing.spans import Span, SpanLevel

logger = logging.getLogger("liftos.traces")

TIMEOUT_S = 10.0
LOG_EVERY_S = 60.0
# traces per request; with twenty spans of half a kilobyte each, about a megabyte
BATCH = 100
MAX_TEXT = 1_000
_INTERNAL, _SERVER = 1, 2
_ERROR = 2
_EXACT = 2**63


class OtlpExporter(QueuedSink):
    """A sink that posts traces to a collector.

    Traces that the collector rejects, or that arrive while the queue is full, are dropped and counted: tracing must not
    block the traced work or fill memory.

    Attributes:
        exported: traces the collector accepted.
        lost: traces it did not.
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
        """Create an exporter; its thread starts with the first trace.

        Args:
            url: the collector's traces endpoint, for example `http://localhost:4318/v1/traces`.
            service: `service.name` of the traces.
            headers: extra request headers, for example a token.
            capacity: maximum number of queued traces.
            pause: seconds to collect traces before sending them together.
            background: False to send only in `flush`.
            clock: monotonic, seconds.

        Raises:
            ValueError: the URL is not http or https.
        """
        if not url.startswith(("http://", "https://")):
            raise ValueError("the OTLP endpoint must be an http:// or https:// URL")
        self._url = url
        self._service = service
        self._headers = {"Content-Type": "application/json"} | dict(headers or {})
        self._clock = clock
        self._logged_at = -math.inf
        self.exported = self.lost = 0
        super().__init__(capacity=capacity, pause=pause, background=background)

    def __call__(self, ended: list[Span]) -> None:
        """Queue a tree, or count it as dropped."""
        before = self.dropped
        super().__call__(ended)
        if self.dropped != before:
            OTLP_TRACES.labels("dropped").inc()

    def _handle(self, trees: list[list[Span]]) -> None:
        for start in range(0, len(trees), BATCH):
            batch = trees[start : start + BATCH]
            try:
                self._post(batch)
            except Exception as error:  # noqa: BLE001  a failure may only cost traces
                # give up on the remaining batches: each would wait for the timeout again
                self.lost += len(trees) - start
                OTLP_TRACES.labels("lost").inc(len(trees) - start)
                self._log(error)
                return
            self.exported += len(batch)
            OTLP_TRACES.labels("exported").inc(len(batch))

    def _post(self, trees: list[list[Span]]) -> None:
        body = json.dumps(export_request(self._service, trees)).encode()
        answer = client.post(self._url, body, headers=self._headers, timeout=TIMEOUT_S)
        if not answer.is_success:
            raise client.NoAnswer(f"status {answer.status}")

    def _log(self, error: Exception) -> None:
        now = self._clock()
        if now - self._logged_at >= LOG_EVERY_S:
            self._logged_at = now
            logger.warning("traces could not be exported and are lost", extra={"reason": str(error)})


def export_request(service: str, trees: Sequence[Sequence[Span]]) -> dict[str, Any]:
    """Return trees as an ExportTraceServiceRequest in JSON.

    Error messages are left out, as in stored traces: they may quote content that erasure would not reach.
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
    tags = {"liftos.level": SpanLevel(span.level).name} | span.tags | gen_ai_tags(span.name, span.tags)
    if span.error_type:
        tags["error.type"] = span.error_type
    return {
        "traceId": span.trace_id,
        "spanId": span.span_id,
        "parentSpanId": span.parent_id,
        "name": span.name,
        "kind": _SERVER if span.parent is None and "status" in span.tags else _INTERNAL,
        # the JSON encoding writes 64-bit integers as strings
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
