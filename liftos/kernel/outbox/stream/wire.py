"""Server-sent events (WHATWG HTML, section 9.2) as bytes. Pure."""

import json
from collections.abc import Sequence

from liftos.kernel.outbox.types import Event

RETRY_MS = 2_000
"""How long a browser waits before it connects again."""
OPENING = f"retry: {RETRY_MS}\n\n".encode()
HEARTBEAT = b": heartbeat\n"
END = b"\n"


def at(position: int) -> bytes:
    """Return a line that moves the client's last id on without an event."""
    return f"id: {position}\n".encode()


def as_message(event: Event) -> bytes:
    """Return an event as a message: its sequence number, type and envelope."""
    # JSON has no line breaks
    data = json.dumps(event.envelope(), ensure_ascii=False, separators=(",", ":"))
    return f"id: {event.sequence}\nevent: {event.type}\ndata: {data}\n\n".encode()


def as_chunks(events: Sequence[Event], *, most: int) -> list[bytes]:
    """Return messages joined into chunks of about `most` bytes, at least one message each."""
    chunks: list[bytes] = []
    parts: list[bytes] = []
    size = 0
    for message in map(as_message, events):
        parts.append(message)
        size += len(message)
        if size >= most:
            chunks.append(b"".join(parts))
            parts, size = [], 0
    return [*chunks, b"".join(parts)] if parts else chunks
