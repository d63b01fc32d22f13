"""What one request or task carries along: its correlation id and its W3C trace context.

Source: W3C Trace Context (traceparent, version 00).
"""

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from uuid import uuid4

_TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?")
_CORRELATION_ID = re.compile(r"[A-Za-z0-9._:\-]{1,128}")


@dataclass(frozen=True, slots=True)
class RequestContext:
    """Identity of one unit of work.

    Attributes:
        correlation_id: names the unit of work to people; the caller's, if it sent a usable one.
        trace_id: 32 hex digits, shared by all services that work on one request.
        span_id: 16 hex digits, this service's part of it.
        parent_span_id: 16 hex digits, or empty at the root.
        sampled: whether the root decided to keep the trace.
    """

    correlation_id: str
    trace_id: str
    span_id: str
    parent_span_id: str = ""
    sampled: bool = True

    @property
    def traceparent(self) -> str:
        """The W3C header that names this span as the parent of what follows."""
        return f"00-{self.trace_id}-{self.span_id}-{'01' if self.sampled else '00'}"


_context: ContextVar[RequestContext | None] = ContextVar("liftos_request_context", default=None)


def start_context(correlation_id: str = "", traceparent: str = "") -> RequestContext:
    """Return a new context, continuing a caller's where what it sent is well-formed.

    Args:
        correlation_id: the caller's; replaced by a random UUID unless it is 1-128 plain characters.
        traceparent: the caller's W3C header; a malformed or all-zero one starts a new trace, as the standard asks.
    """
    trace_id, parent, sampled = secrets.token_hex(16), "", True
    found = _TRACEPARENT.fullmatch(traceparent.strip())
    if found and int(found[1], 16) and int(found[2], 16):
        trace_id, parent, sampled = found[1], found[2], bool(int(found[3], 16) & 1)
    if not _CORRELATION_ID.fullmatch(correlation_id):
        correlation_id = str(uuid4())
    return RequestContext(correlation_id, trace_id, secrets.token_hex(8), parent, sampled)


def current_context() -> RequestContext:
    """Return the running unit of work's context; outside of one (a shell), a context is begun and kept."""
    context = _context.get()
    if context is None:
        context = start_context()
        _context.set(context)
    return context


@contextmanager
def use_context(context: RequestContext) -> Iterator[RequestContext]:
    """Make a context the current one for a block."""
    token = _context.set(context)
    try:
        yield context
    finally:
        _context.reset(token)
