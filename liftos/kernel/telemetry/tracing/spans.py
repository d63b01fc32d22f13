"""Spans: the name, parent, duration and outcome of one piece of work.

Source: W3C Trace Context (ids); limits on tags and logs as in the OpenTelemetry specification (128 each).
"""

import os
import random
import threading
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from enum import IntEnum
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from liftos.kernel.errors import LiftosError, is_refusal

if TYPE_CHECKING:
    from liftos.kernel.telemetry.tracing.context import RequestContext
    from liftos.kernel.telemetry.tracing.tracer import LightweightTracer

MAX_TAGS = MAX_LOGS = 128
MAX_TEXT = 2_000
PROBE_MASK = 255
"""One ended span in 256 has the tracer measure itself."""

_random = random.Random()  # noqa: S311  ids must be unique and cheap, not secret
_id_lock = threading.Lock()


def _after_fork() -> None:
    # Otherwise the child would draw its parent's ids, and its lock might be held by a thread that did not survive the fork.
    global _id_lock
    _random.seed()
    _id_lock = threading.Lock()


os.register_at_fork(after_in_child=_after_fork)


def random_id(bits: int) -> int:
    """Return a random non-zero id of `bits` bits (W3C: an all-zero id is invalid)."""
    while not (drawn := _random.getrandbits(bits)):
        pass
    return drawn


class SpanLevel(IntEnum):
    """The importance of a span, with the numbers of `logging`."""

    CRITICAL = 50
    ERROR = 40
    WARNING = 30
    INFO = 20
    DEBUG = 10
    TRACE = 5


@dataclass(frozen=True, slots=True)
class SpanLog:
    """A log entry in a span; `at_ns` is Unix time in ns by the span's clock."""

    at_ns: int
    message: str
    fields: dict[str, Any]


class Trace:
    """The state shared by the spans of one tree in this process.

    Attributes:
        parent_id: the remote parent's span id, or "".
        root_id: the span id the root must use, or "" for a random one.
        owner: the tracer that created the trace and delivers it.
        finished: ended spans to be delivered to the owner's sink; None without a sink.
        closed: the root has ended; spans that end later are delivered one by one.
        context: the ids of the unit of work if the trace began outside any request or task.
    """

    __slots__ = ("_id", "_low", "closed", "context", "finished", "owner", "parent_id", "root_id")

    def __init__(
        self,
        owner: "LightweightTracer",
        trace_id: str,
        parent_id: str,
        root_id: str,
        finished: "list[Span] | None" = None,
        low: int = 0,
    ) -> None:
        """Create a trace; `low` is the last 64 bits of its id if the sampling decision has drawn them already."""
        self._low = low
        self.owner = owner
        self._id = trace_id
        self.parent_id = parent_id
        self.root_id = root_id
        self.finished = finished
        self.closed = False
        self.context: RequestContext | None = None

    def adopt(self, context: "RequestContext") -> "RequestContext":
        """Set the context unless another thread has; return the trace's context."""
        with _id_lock:
            if self.context is None:
                self.context = context
            return self.context

    @property
    def id(self) -> str:
        """32 hex digits, drawn on first use: most traces leave the ring buffer unread."""
        if not self._id:
            with _id_lock:
                if not self._id:
                    self._id = f"{_random.getrandbits(64):016x}{self._low or random_id(64):016x}"
        return self._id


class Span:
    """One piece of work, used with `with` or `async with`; created by `LightweightTracer.span`.

    Attributes:
        parent: the enclosing recorded span in this process; None at the root.
        start_ns: from the tracer's monotonic clock.
        duration_ns: -1 until the span has ended, never negative afterwards.
        error_type: class name of the exception that left the block, or "". A refusal (4xx) is not an error: it sets the
            tag `refused` to its code.
        error_message: the exception's text, truncated to 2,000 characters.
        tags: set by the caller.

    The parent is the span that is current when `span()` is called, so enter a span where you create it. A generator
    shares its caller's context: while suspended inside a span, that span is current for the caller too. An
    abandoned generator is not an error and does not change its caller's span.
    """

    __slots__ = (
        "_id", "_logs", "_trace", "_tracer", "duration_ns", "error_message", "error_type",
        "level", "name", "parent", "start_ns", "tags",
    )  # fmt: skip

    recording = True

    def __init__(
        self,
        tracer: "LightweightTracer",
        trace: Trace,
        parent: "Span | None",
        name: str,
        level: int,
        tags: dict[str, Any],
    ) -> None:
        self._tracer = tracer
        self._trace = trace
        self.parent = parent
        self.name = name
        self.level = level
        self.tags = tags
        self.duration_ns = -1
        self._id = self.error_type = self.error_message = ""
        self._logs: list[SpanLog] | None = None

    def __enter__(self) -> Self:
        """Make this the current span and start its clock."""
        # Here and in __exit__: calling a local is faster than calling an attribute (measured: a tenth of the span's cost).
        begun, clock = self._tracer._begun, self._tracer._clock_ns
        begun()
        _set(self)
        self.start_ns = clock()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Stop the clock, make the parent current again and file the span; exceptions propagate."""
        tracer = self._tracer
        clock, file, ended = tracer._clock_ns, tracer._file, tracer._ended
        self.duration_ns = clock() - self.start_ns
        if kind is not None and kind is not GeneratorExit:
            self._left_by(error if error is not None else kind())
        parent, trace = self.parent, self._trace
        if _get() is self:
            _set(parent)
        else:
            self._unwind()
        file(self)
        finished = trace.finished
        if finished is not None and (parent is None or len(finished) < trace.owner.max_spans):
            finished.append(self)
        if parent is None:
            trace.closed = True
        if trace.closed and finished is not None:
            trace.owner._deliver(finished)
        if not ended() & PROBE_MASK:
            tracer._probe(root=parent is None)

    async def __aenter__(self) -> Self:
        """As `with`."""
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """As `with`."""
        self.__exit__(kind, error, traceback)

    def _left_by(self, error: BaseException) -> None:
        if isinstance(error, LiftosError) and is_refusal(error):
            self.set_tag("refused", error.code)
        else:
            self.record_error(error)

    def _unwind(self) -> None:
        # Spans still open below this one (a suspended generator) are left with it. If this span is not in the current
        # chain, it ends in another context or after its parent, and the current span must not change.
        inner = _get()
        while inner is not None and inner is not self:
            inner = inner.parent
        if inner is self:
            _set(self.parent)

    @property
    def trace(self) -> Trace:
        """The trace this span belongs to."""
        return self._trace

    @property
    def trace_id(self) -> str:
        """32 hex digits, the same for all spans of one request."""
        return self._trace.id

    @property
    def span_id(self) -> str:
        """16 hex digits, drawn on first use."""
        if not self._id:
            with _id_lock:
                if not self._id:
                    self._id = (not self.parent and self._trace.root_id) or f"{random_id(64):016x}"
        return self._id

    @property
    def parent_id(self) -> str:
        """16 hex digits: the parent span in this process, or the remote caller's; "" at the root of a trace."""
        return self.parent.span_id if self.parent else self._trace.parent_id

    @property
    def start_wall(self) -> int:
        """Unix time in ns: the monotonic start plus an offset read once, so wall clock adjustments have no effect."""
        return self.start_ns + self._tracer.wall_offset_ns

    @property
    def status(self) -> str:
        """`ok` or `error`."""
        return "error" if self.error_type else "ok"

    @property
    def logs(self) -> list[SpanLog]:
        """Log entries, oldest first."""
        return self._logs or []

    @property
    def traceparent(self) -> str:
        """The W3C header that makes a callee's spans children of this one."""
        return f"00-{self.trace_id}-{self.span_id}-01"

    def set_tag(self, key: str, value: Any) -> None:
        """Set a tag; new keys beyond 128 are ignored."""
        if len(self.tags) < MAX_TAGS or key in self.tags:
            self.tags[key] = value

    def log(self, message: str, **fields: Any) -> None:
        """Add a log entry; entries beyond 128 are ignored."""
        if self._logs is None:
            self._logs = []
        if len(self._logs) < MAX_LOGS:
            tracer = self._tracer
            self._logs.append(SpanLog(tracer._clock_ns() + tracer.wall_offset_ns, message[:MAX_TEXT], fields))

    def record_error(self, error: BaseException) -> None:
        """Mark the span as failed by an error that its block handles."""
        self.error_type = type(error).__name__
        try:
            self.error_message = str(error)[:MAX_TEXT]
        except Exception:  # noqa: BLE001  a broken __str__ must not hide the error itself
            self.error_message = ""

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name} {self.duration_ns} ns {self.status}>"


_current: ContextVar[Span | None] = ContextVar("liftos_span", default=None)
_get: Callable[[], Span | None] = _current.get
_set: Callable[[Span | None], object] = _current.set


def current_span() -> Span | None:
    """Return the current span of this thread, task or context, or None."""
    return _get()


def set_current_span(span: Span | None) -> None:
    """Set or clear the current span of this thread, task or context, to hand work to another thread."""
    _set(span)
