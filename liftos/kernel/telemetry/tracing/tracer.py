"""A tracer cheap enough to stay on in production: spans, sampling, a ring buffer of recent spans.

A recorded span is one object, two clock reads and two changes of a context variable; ids are drawn when read.
Source: W3C Trace Context; sampling by trace id as OpenTelemetry's TraceIdRatioBased, so that services agree.
"""

import os
import threading
import time
from collections import deque
from collections.abc import Callable
from itertools import count
from statistics import fmean
from typing import Any, TypedDict

from liftos.kernel.telemetry.tracing import spans
from liftos.kernel.telemetry.tracing.context import peek_context
from liftos.kernel.telemetry.tracing.null_spans import NULL_SPAN, UnsampledRoot
from liftos.kernel.telemetry.tracing.spans import Span, SpanLevel, Trace, current_span, random_id

Sink = Callable[[list[Span]], object]

_INFO = SpanLevel.INFO
_ID_RANGE = 1 << 64
_PROBES_KEPT = 128
_lock = threading.Lock()


def _after_fork() -> None:
    # The thread that held the lock at the fork does not exist in the child.
    global _lock
    _lock = threading.Lock()


os.register_at_fork(after_in_child=_after_fork)


class TracingStatistics(TypedDict):
    """The `tracing` block of /performance/metrics."""

    service_name: str
    total_spans: int
    sampled_spans: int
    sampling_rate: float
    active_spans: int
    completed_spans: int
    average_overhead_ns: float
    total_overhead_ms: float


class Tally:
    """A counter that threads increment without a lock: `next` on `itertools.count` is atomic."""

    def __init__(self) -> None:
        self.add: Callable[[], int] = count(1).__next__
        self._reads = 0

    def value(self) -> int:
        """Return how often `add` was called; reading increments the counter too, so reads are subtracted."""
        with _lock:
            self._reads += 1
            return self.add() - self._reads


class LightweightTracer:
    """Creates spans and keeps the latest.

    Attributes:
        sink: called with the ended spans of a sampled tree, in the order they ended, when its root ends, and again
            with spans that end after the root. Runs in the traced thread, so it should only queue. Its exceptions are
            counted in `sink_errors`; spans created inside it are not recorded.
        wall_offset_ns: Unix time minus the monotonic clock, read once.
        truncated_traces: trees with more than `max_spans` spans below their root; the sink gets only the first to end.
    """

    def __init__(
        self,
        service_name: str = "memory",
        *,
        sampling_rate: float = 1.0,
        min_level: SpanLevel = SpanLevel.INFO,
        max_spans: int = 10_000,
        clock_ns: Callable[[], int] = time.perf_counter_ns,
        wall_ns: Callable[[], int] = time.time_ns,
        sink: Sink | None = None,
    ) -> None:
        """Create a tracer; spans of several tracers form one tree.

        Args:
            service_name: shown in statistics and stored spans.
            sampling_rate: share of traces to keep, 0-1.
            min_level: spans below it are not recorded; their children attach to the nearest recorded span.
            max_spans: capacity of the ring buffer of ended spans, at least 1.
            clock_ns: monotonic, ns.
            wall_ns: Unix time, ns; read once.
            sink: see the class.

        Raises:
            ValueError: a rate outside 0-1 or `max_spans` below 1.
        """
        self.service_name = service_name
        self.sink = sink
        self.sink_errors = 0
        self.truncated_traces = 0
        self.wall_offset_ns = wall_ns() - clock_ns()
        self._clock_ns = clock_ns
        self._begun_tally, self._ended_tally, self._skipped_tally = Tally(), Tally(), Tally()
        self._begun = self._begun_tally.add
        self._ended = self._ended_tally.add
        self._skip = self._skipped_tally.add
        self._probes: deque[int] = deque(maxlen=_PROBES_KEPT)
        self._shadow: LightweightTracer | None = None
        self._shadow_root: Span | None = None
        self._measures_itself = True
        self._ring: deque[Span] = deque()
        self.configure(sampling_rate=sampling_rate, min_level=min_level, max_spans=max_spans)

    def configure(
        self,
        *,
        sampling_rate: float | None = None,
        min_level: SpanLevel | None = None,
        max_spans: int | None = None,
    ) -> None:
        """Change the given options for future spans; spans in the ring buffer are kept as far as they fit.

        Raises:
            ValueError: a rate outside 0-1 or `max_spans` below 1.
        """
        if sampling_rate is not None:
            if not 0 <= sampling_rate <= 1:
                raise ValueError(f"sampling_rate is a share from 0 to 1, not {sampling_rate}")
            self.sampling_rate = float(sampling_rate)
            self._bound = round(sampling_rate * _ID_RANGE)
        if min_level is not None:
            self.min_level = SpanLevel(min_level)
            self._floor = int(min_level)
        if max_spans is not None:
            if max_spans < 1:
                raise ValueError(f"max_spans is at least 1, not {max_spans}")
            self.max_spans = max_spans
            self._ring = deque(self._ring, max_spans)
            self._file = self._ring.append

    def span(self, name: str, /, level: SpanLevel = _INFO, **tags: Any) -> Span:
        """Return a span; enter it at once, with `with` or `async with`.

        Args:
            name: the operation, without values, for example `memory.search`.
            level: spans below `min_level` are not recorded.
            **tags: values of this call.
        """
        parent = _get()
        if level < self._floor:
            self._skip()
            return NULL_SPAN
        if parent is None:
            return self._root(name, level, tags)
        if type(parent) is Span:
            return Span(self, parent._trace, parent, name, level, tags)
        self._skip()
        return NULL_SPAN

    def _root(self, name: str, level: SpanLevel, tags: dict[str, Any]) -> Span:
        context = peek_context()
        finished: list[Span] | None = None if self.sink is None else []
        if context is None:
            low = 0 if self._bound == _ID_RANGE else random_id(64)
            trace, sampled = Trace(self, "", "", "", finished, low), low < self._bound
        else:
            # The first root is the request's own span; later ones (a streamed answer, a second thread) are its children.
            parent_id, root_id = (
                (context.parent_span_id, context.span_id) if context.claim_root() else (context.span_id, "")
            )
            trace = Trace(self, context.trace_id, parent_id, root_id, finished)
            sampled = context.sampled and (bool(context.parent_span_id) or self.samples(context.trace_id))
        if sampled:
            return Span(self, trace, None, name, level, tags)
        self._skip()
        return UnsampledRoot(trace, name)

    def samples(self, trace_id: str) -> bool:
        """Return whether a trace that begins here is sampled; the same in every process with the same rate."""
        return int(trace_id[16:], 16) < self._bound

    def _deliver(self, finished: list[Span]) -> None:
        # Several threads may deliver at once, and others append meanwhile, so the list must stay the same object.
        with _lock:
            ready = len(finished)
            ended = finished[:ready]
            del finished[:ready]
        if ready > self.max_spans:
            self.truncated_traces += 1
        sink = self.sink
        if not ended or sink is None:
            return
        before = _get()
        _set(_MUTE)
        try:
            sink(ended)
        except Exception:  # noqa: BLE001  tracing must not fail the traced work
            self.sink_errors += 1
        finally:
            _set(before)

    def _probe(self, *, root: bool) -> None:
        """Time three empty spans of the same kind on a private tracer."""
        if not self._measures_itself:
            return
        shadow = self._shadow
        if shadow is None:
            shadow = LightweightTracer(self.service_name, max_spans=64)
            shadow._measures_itself = False
            self._shadow_root = shadow._root("probe", _INFO, {})
            self._shadow = shadow
        shadow.sink = None if self.sink is None else _discard
        before = _get()
        _set(None if root else self._shadow_root)
        clock = time.perf_counter_ns
        try:
            # warm the caches, as the spans of a busy process do
            with shadow.span("probe"):
                pass
            empty = clock()
            start = clock()
            with shadow.span("probe"):
                pass
            with shadow.span("probe"):
                pass
            with shadow.span("probe"):
                pass
            end = clock()
        finally:
            _set(before)
        self._probes.append(max(0, end - start - (start - empty)) // 3)

    def stats(self) -> TracingStatistics:
        """Return exact totals and the tracer's own cost.

        `total_spans` counts all requested spans, `sampled_spans` those recorded. The overhead is estimated: every
        256th span times empty spans, and the mean of the last 128 measurements, without the slowest and fastest
        tenth, is applied to all recorded spans. Skipped spans and the sink are not included.
        """
        ended, begun, skipped = (
            self._ended_tally.value(),
            self._begun_tally.value(),
            self._skipped_tally.value(),
        )
        if begun and not self._probes:
            for _ in range(9):
                self._probe(root=False)
        probes = sorted(self._probes.copy())
        cut = len(probes) // 10
        average = fmean(probes[cut : len(probes) - cut]) if probes else 0.0
        return {
            "service_name": self.service_name,
            "total_spans": begun + skipped,
            "sampled_spans": begun,
            "sampling_rate": self.sampling_rate,
            "active_spans": begun - ended,
            "completed_spans": ended,
            "average_overhead_ns": round(average, 1),
            "total_overhead_ms": round(average * begun / 1e6, 6),
        }

    def traces(self, trace_id: str) -> list[Span]:
        """Return the spans of one trace in the ring buffer, earliest first; O(max_spans)."""
        return sorted(
            (span for span in self._ring.copy() if span.trace_id == trace_id), key=lambda span: span.start_ns
        )

    def recent(self, n: int = 100) -> list[Span]:
        """Return the last `n` ended spans, latest first."""
        return list(self._ring.copy())[: -n - 1 : -1] if n > 0 else []

    def traceparent(self) -> str:
        """Return the W3C header for an outgoing call: the current span's, else the request's, else ""."""
        span = current_span()
        if span is not None:
            return span.traceparent
        context = peek_context()
        return context.traceparent if context is not None else ""


def _discard(ended: list[Span]) -> None:
    del ended


_get, _set = spans._get, spans._set

TRACER = LightweightTracer()
_MUTE = UnsampledRoot(Trace(TRACER, "", "", ""), "sink")
