"""Spans: what one piece of work was called, where it belongs, how long it took and how it ended.

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
    # A child with its parent's state would draw its parent's ids, and its lock may be held by a thread it lacks.
    global _id_lock
    _random.seed()
    _id_lock = threading.Lock()


os.register_at_fork(after_in_child=_after_fork)


def random_id(bits: int) -> int:
    """Return a random id of `bits` bits that is never zero (W3C: an all-zero id is invalid)."""
    while not (drawn := _random.getrandbits(bits)):
        pass
    return drawn


class SpanLevel(IntEnum):
    """How much a span matters; the numbers are those of `logging`."""

    CRITICAL = 50
    ERROR = 40
    WARNING = 30
    INFO = 20
    DEBUG = 10
    TRACE = 5


@dataclass(frozen=True, slots=True)
class SpanLog:
    """A note made inside a span; `at_ns` is unix time in ns on the span's own clock."""

    at_ns: int
    message: str
    fields: dict[str, Any]


class Trace:
    """What the spans of one tree in this process share.

    Attributes:
        parent_id: the remote parent's span id, or empty.
        root_id: the span id the root must take, or empty for a drawn one.
        owner: the tracer that began the trace and delivers it.
        finished: ended spans that wait for the owner's sink; None where there is no sink.
        closed: the root has ended; what ends later is delivered by itself.
        context: the ids of the unit of work, where the trace itself is one: it began outside of any request and task, and
            something in it asked for them.
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
        """`low`: the last 64 bits of an id not yet drawn in full, where the sampling decision needed them."""
        self._low = low
        self.owner = owner
        self._id = trace_id
        self.parent_id = parent_id
        self.root_id = root_id
        self.finished = finished
        self.closed = False
        self.context: RequestContext | None = None

    def adopt(self, context: "RequestContext") -> "RequestContext":
        """Take a context, unless another thread has given one; return the trace's own."""
        with _id_lock:
            if self.context is None:
                self.context = context
            return self.context

    @property
    def id(self) -> str:
        """32 hex digits; drawn when first asked for, since most traces end in the ring unread."""
        if not self._id:
            with _id_lock:
                if not self._id:
                    self._id = f"{_random.getrandbits(64):016x}{self._low or random_id(64):016x}"
        return self._id


class Span:
    """One piece of work, used as `with` or `async with`; made by `LightweightTracer.span`.

    Attributes:
        parent: the nearest recorded span around this one in this process; None at the root.
        start_ns: from the tracer's monotonic clock.
        duration_ns: -1 until the span has ended, never negative after.
        error_type: class name of the exception that left the block, or empty; a refusal of what the caller asked for (4xx) is
            no error of the span, which gets the tag `refused` with its code instead.
        error_message: its text, cut at 2,000 characters.
        tags: what the caller said about it.

    The parent is the current span where `span()` is called, so enter a span where you make it. A generator shares
    its caller's context: while it is suspended inside a span, that span is its caller's current one too. An
    abandoned generator is no error and leaves its caller's span as it was.
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
        # Here and in __exit__: what is called is first put into a local, which the interpreter does quicker than
        # calling an attribute (measured: a tenth of the span).
        begun, clock = self._tracer._begun, self._tracer._clock_ns
        begun()
        _set(self)
        self.start_ns = clock()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Stop the clock, give the parent its place back, file the span; an exception goes on its way."""
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
        # Spans left open below this one (a suspended generator) go with it. If this span is not in the current
        # chain, it ends in another context or after its parent, and the current span is none of its business.
        inner = _get()
        while inner is not None and inner is not self:
            inner = inner.parent
        if inner is self:
            _set(self.parent)

    @property
    def trace(self) -> Trace:
        """What this span shares with the others of its tree."""
        return self._trace

    @property
    def trace_id(self) -> str:
        """32 hex digits, the same for all spans of one request."""
        return self._trace.id

    @property
    def span_id(self) -> str:
        """16 hex digits; drawn when first asked for."""
        if not self._id:
            with _id_lock:
                if not self._id:
                    self._id = (not self.parent and self._trace.root_id) or f"{random_id(64):016x}"
        return self._id

    @property
    def parent_id(self) -> str:
        """16 hex digits, of this process's span or the remote caller's; empty at the root of a trace."""
        return self.parent.span_id if self.parent else self._trace.parent_id

    @property
    def start_wall(self) -> int:
        """Unix time in ns: the monotonic start plus an offset read once, so steps of the wall clock don't show."""
        return self.start_ns + self._tracer.wall_offset_ns

    @property
    def status(self) -> str:
        """`ok` or `error`."""
        return "error" if self.error_type else "ok"

    @property
    def logs(self) -> list[SpanLog]:
        """Notes in the order they were made."""
        return self._logs or []

    @property
    def traceparent(self) -> str:
        """The W3C header that makes a callee's spans children of this one."""
        return f"00-{self.trace_id}-{self.span_id}-01"

    def set_tag(self, key: str, value: Any) -> None:
        """Say something about the work; from the 129th key on, new keys are left out."""
        if len(self.tags) < MAX_TAGS or key in self.tags:
            self.tags[key] = value

    def log(self, message: str, **fields: Any) -> None:
        """Note that something happened now; from the 129th note on, notes are left out."""
        if self._logs is None:
            self._logs = []
        if len(self._logs) < MAX_LOGS:
            tracer = self._tracer
            self._logs.append(SpanLog(tracer._clock_ns() + tracer.wall_offset_ns, message[:MAX_TEXT], fields))

    def record_error(self, error: BaseException) -> None:
        """Mark the span as failed; for errors that the block itself handles."""
        self.error_type = type(error).__name__
        try:
            self.error_message = str(error)[:MAX_TEXT]
        except Exception:  # noqa: BLE001  a broken __str__ must not hide the error itself
            self.error_message = ""

    def as_dict(self) -> dict[str, Any]:
        """Return the span as plain values for storage; times in ns, `start_wall` since the epoch."""
        return {
            "service_name": self._tracer.service_name,
            "trace_id": self.trace_id,
            "span_id": self.span_id,
            "parent_id": self.parent_id,
            "name": self.name,
            "level": SpanLevel(self.level).name,
            "start_wall": self.start_wall,
            "duration_ns": self.duration_ns,
            "status": self.status,
            "error_type": self.error_type,
            "error_message": self.error_message,
            "tags": dict(self.tags),
            "logs": [
                {"at_ns": note.at_ns, "message": note.message, "fields": note.fields} for note in self.logs
            ],
        }

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name} {self.duration_ns} ns {self.status}>"


class NullSpan(Span):
    """Stands in for a span that is not recorded: takes everything, keeps nothing; one object serves all.

    Its ids and `traceparent` are those of the current span, so that calls made inside are still linked.
    """

    __slots__ = ()

    recording = False

    def __init__(self) -> None:
        self.parent = None
        self.name = self.error_type = self.error_message = ""
        self.level = SpanLevel.TRACE
        self.start_ns = self.duration_ns = 0
        self._logs = None

    def __enter__(self) -> Self:
        """Do nothing."""
        return self

    def __exit__(self, kind: object, error: object, traceback: object) -> None:
        """Do nothing."""

    @property
    def tags(self) -> dict[str, Any]:  # type: ignore[override]
        """A new, empty dict: what is put there is lost."""
        return {}

    def set_tag(self, key: str, value: Any) -> None:
        """Do nothing."""

    def log(self, message: str, **fields: Any) -> None:
        """Do nothing."""

    def record_error(self, error: BaseException) -> None:
        """Do nothing."""

    @property
    def trace_id(self) -> str:
        """The current trace's id, or empty."""
        current = _get()
        return current.trace_id if current is not None else ""

    @property
    def span_id(self) -> str:
        """The current span's id, or empty."""
        current = _get()
        return current.span_id if current is not None else ""

    @property
    def parent_id(self) -> str:
        """The current span's parent's id, or empty."""
        current = _get()
        return current.parent_id if current is not None else ""

    @property
    def traceparent(self) -> str:
        """The current span's header, or empty."""
        current = _get()
        return current.traceparent if current is not None else ""

    @property
    def start_wall(self) -> int:
        """0: it was not timed."""
        return 0


class UnsampledRoot(NullSpan):
    """The root of a trace that is not kept: while it is current, every span is a `NullSpan`."""

    __slots__ = ()

    def __init__(self, trace: Trace, name: str) -> None:
        super().__init__()
        self._trace = trace
        self.name = name
        self._id = ""

    def __enter__(self) -> Self:
        """Make this the current span."""
        _set(self)
        return self

    def __exit__(self, kind: object, error: object, traceback: object) -> None:
        """Leave the current span empty again."""
        if _get() is self:
            _set(None)

    trace_id = Span.trace_id
    span_id = Span.span_id
    parent_id = Span.parent_id

    @property
    def traceparent(self) -> str:
        """The W3C header that tells a callee not to keep its part either."""
        return f"00-{self.trace_id}-{self.span_id}-00"


_current: ContextVar[Span | None] = ContextVar("liftos_span", default=None)
_get: Callable[[], Span | None] = _current.get
_set: Callable[[Span | None], object] = _current.set

NULL_SPAN = NullSpan()


def current_span() -> Span | None:
    """Return the span this thread, task or context is in; None outside of any."""
    return _get()


def set_current_span(span: Span | None) -> None:
    """Put this thread, task or context into a span, or out of all; for carrying work to another thread."""
    _set(span)
