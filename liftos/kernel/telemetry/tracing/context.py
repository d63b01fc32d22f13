"""The correlation id and W3C trace context of a request or task.

Source: W3C Trace Context (traceparent, version 00).
"""

import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from uuid import uuid4

from liftos.kernel.telemetry.tracing.spans import current_span, set_current_span

_TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?")
_CORRELATION_ID = re.compile(r"[A-Za-z0-9._:\-]{1,128}")


@dataclass(frozen=True, slots=True)
class RequestContext:
    """The ids of one unit of work.

    Attributes:
        correlation_id: for people; the caller's, if it sent a valid one.
        trace_id: 32 hex digits, shared by all services that handle the request.
        span_id: 16 hex digits; the root span in this service.
        parent_span_id: 16 hex digits, or empty at the root.
        sampled: whether the root decided to keep the trace.
    """

    correlation_id: str
    trace_id: str
    span_id: str
    parent_span_id: str = ""
    sampled: bool = True
    _unclaimed: list[None] = field(default_factory=lambda: [None], init=False, repr=False, compare=False)

    def claim_root(self) -> bool:
        """Return True on the first call only: that root span takes `span_id`, later ones become its children."""
        try:
            self._unclaimed.pop()  # atomic: only one of two threads succeeds
        except IndexError:
            return False
        return True

    @property
    def traceparent(self) -> str:
        """The W3C header that makes this span the parent of a callee's spans."""
        return f"00-{self.trace_id}-{self.span_id}-{'01' if self.sampled else '00'}"


_context: ContextVar[RequestContext | None] = ContextVar("liftos_request_context", default=None)


def _keep_all(trace_id: str) -> bool:  # noqa: ARG001  the signature of a sampler
    return True


_sampler: Callable[[str], bool] = _keep_all


def use_sampler(sampler: Callable[[str], bool]) -> None:
    """Sample traces that begin in this process with `sampler(trace_id)`; the default keeps all."""
    global _sampler
    _sampler = sampler


def start_context(correlation_id: str = "", traceparent: str = "") -> RequestContext:
    """Return a new context that continues the caller's trace if its headers are valid.

    Args:
        correlation_id: the caller's; replaced by a random UUID unless it is 1-128 characters of A-Z a-z 0-9 . _ : -
        traceparent: the caller's W3C header; a malformed or all-zero one starts a new trace, as the standard requires.
    """
    trace_id, parent = secrets.token_hex(16), ""
    found = _TRACEPARENT.fullmatch(traceparent.strip())
    if found and int(found[1], 16) and int(found[2], 16):
        trace_id, parent, sampled = found[1], found[2], bool(int(found[3], 16) & 1)
    else:
        sampled = _sampler(trace_id)
    if not _CORRELATION_ID.fullmatch(correlation_id):
        correlation_id = str(uuid4())
    return RequestContext(correlation_id, trace_id, secrets.token_hex(8), parent, sampled)


def current_context() -> RequestContext:
    """Return the context of the current unit of work, or a new one.

    Outside a unit of work (a shell, a script), a context created inside a trace is kept for the rest of that trace.
    Outside both, nothing is kept: a thread outlives many units of work.
    """
    return peek_context() or _begin()


def peek_context() -> RequestContext | None:
    """Return the context of the current unit of work or trace, or None; never create one."""
    context = _context.get()
    if context is None:
        span = current_span()
        context = None if span is None else span.trace.context
    return context


def _begin() -> RequestContext:
    span = current_span()
    if span is None:
        return start_context()
    root = span
    while root.parent is not None:
        root = root.parent
    begun = RequestContext(str(uuid4()), root.trace_id, root.span_id, sampled=root.recording)
    context = span.trace.adopt(begun)
    root.set_tag("correlation_id", context.correlation_id)
    return context


@contextmanager
def use_context(context: RequestContext) -> Iterator[RequestContext]:
    """Make a context the current one for a block; a current span of another trace is suspended meanwhile."""
    token = _context.set(context)
    span = current_span()
    foreign = span is not None and span.trace_id != context.trace_id
    if foreign:
        set_current_span(None)
    try:
        yield context
    finally:
        _context.reset(token)
        if foreign:
            set_current_span(span)
