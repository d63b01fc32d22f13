"""Stand-ins for spans that are not recorded, and for roots of traces that are not sampled."""

from typing import Any, Self

from liftos.kernel.telemetry.tracing.spans import Span, SpanLevel, Trace, current_span, set_current_span


class NullSpan(Span):
    """A span that is not recorded and ignores everything; stateless, so one instance serves all.

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
        """A new, empty dictionary; changes to it are lost."""
        return {}

    def set_tag(self, key: str, value: Any) -> None:
        """Do nothing."""

    def log(self, message: str, **fields: Any) -> None:
        """Do nothing."""

    def record_error(self, error: BaseException) -> None:
        """Do nothing."""

    @property
    def trace_id(self) -> str:
        """The current trace's id, or ""."""
        current = current_span()
        return current.trace_id if current is not None else ""

    @property
    def span_id(self) -> str:
        """The current span's id, or ""."""
        current = current_span()
        return current.span_id if current is not None else ""

    @property
    def parent_id(self) -> str:
        """The current span's parent id, or ""."""
        current = current_span()
        return current.parent_id if current is not None else ""

    @property
    def traceparent(self) -> str:
        """The current span's header, or ""."""
        current = current_span()
        return current.traceparent if current is not None else ""

    @property
    def start_wall(self) -> int:
        """0: it was not timed."""
        return 0


class UnsampledRoot(NullSpan):
    """The root of an unsampled trace: while it is current, every new span is a `NullSpan`."""

    __slots__ = ()

    def __init__(self, trace: Trace, name: str) -> None:
        super().__init__()
        self._trace = trace
        self.name = name
        self._id = ""

    def __enter__(self) -> Self:
        """Make this the current span."""
        set_current_span(self)
        return self

    def __exit__(self, kind: object, error: object, traceback: object) -> None:
        """Clear the current span."""
        if current_span() is self:
            set_current_span(None)

    trace_id = Span.trace_id
    span_id = Span.span_id
    parent_id = Span.parent_id

    @property
    def traceparent(self) -> str:
        """The W3C header that tells a callee not to sample its part either."""
        return f"00-{self.trace_id}-{self.span_id}-00"


NULL_SPAN = NullSpan()
