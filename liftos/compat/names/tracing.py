"""The old platform's names for tracing and metrics, on top of today's tracer and collector."""

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from liftos.kernel.telemetry.metrics import collector
from liftos.kernel.telemetry.metrics.collector import Timing
from liftos.kernel.telemetry.metrics.summary import Kind
from liftos.kernel.telemetry.tracing import tracer
from liftos.kernel.telemetry.tracing.spans import Span, SpanLevel

TraceLevel = SpanLevel
"""The six levels; compare them by name, because their numbers are those of `logging`."""

_KINDS = {
    "counter": Kind.COUNTER,
    "gauge": Kind.GAUGE,
    "histogram": Kind.HISTOGRAM,
    "timer": Kind.TIMER,
}


class LightweightTracer(tracer.LightweightTracer):
    """The tracer, with the old platform's names; the current ones are `span`, `stats`, `recent` and `traces`."""

    def __init__(
        self,
        service_name: str = "memory",
        max_spans: int = 10_000,
        sampling_rate: float = 1.0,
        min_trace_level: SpanLevel = SpanLevel.INFO,
        **more: Any,
    ) -> None:
        """Create a separate tracer; `more` are arguments of `liftos.kernel.telemetry.tracing.tracer.LightweightTracer`."""
        self._open: dict[str, Span] = {}
        super().__init__(
            service_name, **{"max_spans": max_spans, "sampling_rate": sampling_rate, "min_level": min_trace_level, **more}
        )  # fmt: skip

    def start_span(
        self,
        operation_name: str,
        parent_span_id: str | None = None,
        tags: Mapping[str, Any] | None = None,
        level: SpanLevel = SpanLevel.INFO,
    ) -> Span | None:
        """Start a span, which is current until `finish_span`; return None if it is not recorded.

        Args:
            operation_name: name of the span.
            parent_span_id: of an open span started here; by default the current span.
            tags: of the span.
            level: of the span.

        Raises:
            ValueError: there is no open span with the parent's id.
        """
        span = self.span(operation_name, level)
        span.tags.update(tags or {})
        if not span.recording:
            return None
        if parent_span_id is not None:
            parent = self._open.get(parent_span_id)
            if parent is None:
                raise ValueError(f"there is no open span {parent_span_id}")
            span = Span(self, parent.trace, parent, operation_name, level, span.tags)
        span.__enter__()
        if len(self._open) >= self.max_spans:  # unfinished spans must not exhaust memory
            del self._open[next(iter(self._open))]
        self._open[span.span_id] = span
        return span

    def finish_span(self, span: Span | None, error: str | None = None) -> None:
        """End a span, with an error message if it failed; None is ignored."""
        if span is None or span.duration_ns >= 0:
            return
        if error:
            span.record_error(RuntimeError(error))
        self._open.pop(span.span_id, None)
        span.__exit__(None, None, None)

    def add_span_tag(self, span: Span | None, key: str, value: Any) -> None:
        """Set a tag of a span; None is ignored."""
        if span is not None:
            span.set_tag(key, value)

    def add_span_log(self, span: Span | None, message: str, level: str = "info") -> None:
        """Add a log entry to a span; None is ignored."""
        if span is not None:
            span.log(message, level=level)

    @contextmanager
    def trace_operation(
        self, operation_name: str, tags: Mapping[str, Any] | None = None, level: SpanLevel = SpanLevel.INFO
    ) -> Iterator[Span]:
        """Trace a block."""
        span = self.span(operation_name, level)
        span.tags.update(tags or {})
        with span:
            yield span

    @asynccontextmanager
    async def trace_async_operation(
        self, operation_name: str, tags: Mapping[str, Any] | None = None, level: SpanLevel = SpanLevel.INFO
    ) -> AsyncIterator[Span]:
        """Trace a block of a coroutine."""
        with self.trace_operation(operation_name, tags, level) as span:
            yield span

    def get_trace_stats(self) -> tracer.TracingStatistics:
        """See `stats`."""
        return self.stats()

    def get_recent_spans(self, limit: int = 100) -> list[dict[str, Any]]:
        """Return the latest ended spans, earliest first."""
        return [
            {
                "span_id": span.span_id,
                "trace_id": span.trace_id,
                "operation_name": span.name,
                "duration_ms": span.duration_ns / 1e6,
                "status": "error" if span.error_type else "completed",
                "tags": dict(span.tags),
                "error": span.error_message or span.error_type or None,
                "level": SpanLevel(span.level).name,
            }
            for span in reversed(self.recent(limit))
        ]


class MetricsCollector(collector.MetricsCollector):
    """The collector, with the old platform's names for recording and for `summary`."""

    def __init__(
        self,
        service_name: str = "memory",
        max_metrics: int = 50_000,
        aggregation_interval: int = 60,
        **more: Any,
    ) -> None:
        """Create an empty collector.

        Args:
            service_name: shown in the summary.
            max_metrics: maximum number of raw points kept.
            aggregation_interval: kept as an attribute only; figures are written every LIFTOS_METRICS_SECONDS.
            more: arguments of `liftos.kernel.telemetry.metrics.collector.MetricsCollector`.
        """
        self.aggregation_interval = aggregation_interval
        super().__init__(service_name, **{"max_points": max_metrics, **more})

    def record_metric(
        self,
        metric_name: str,
        value: float,
        tags: Mapping[str, str] | None = None,
        metric_type: str = "gauge",
    ) -> None:
        """Record a point; a timer's value is in ms.

        Raises:
            ValueError: `metric_type` is not counter, gauge, histogram or timer.
        """
        if metric_type not in _KINDS:
            raise ValueError(f"unknown metric type {metric_type!r}: use one of {', '.join(_KINDS)}")
        kind = _KINDS[metric_type]
        self.series(kind, metric_name, tags).record(value * 1e6 if kind is Kind.TIMER else value)

    def increment_counter(
        self, metric_name: str, value: float = 1, tags: Mapping[str, str] | None = None
    ) -> None:
        """Increment a counter."""
        self.record_metric(metric_name, value, tags, "counter")

    def set_gauge(self, metric_name: str, value: float, tags: Mapping[str, str] | None = None) -> None:
        """Set a gauge."""
        self.record_metric(metric_name, value, tags, "gauge")

    def record_histogram(self, metric_name: str, value: float, tags: Mapping[str, str] | None = None) -> None:
        """Add a value to a histogram."""
        self.record_metric(metric_name, value, tags, "histogram")

    def record_timer(
        self, metric_name: str, duration_ms: float, tags: Mapping[str, str] | None = None
    ) -> None:
        """Add a duration to a timer."""
        self.record_metric(metric_name, duration_ms, tags, "timer")

    def time_operation(self, metric_name: str, tags: Mapping[str, str] | None = None) -> Timing:
        """Return a context manager that adds its block's duration to a timer."""
        return Timing(self.series(Kind.TIMER, metric_name, tags), self._clock_ns)

    def get_metric_summary(self) -> dict[str, Any]:
        """See `summary`."""
        return self.summary()
