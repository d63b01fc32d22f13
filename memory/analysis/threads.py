"""Threads: the session, conversation or document that a memory is a part of. Pure.

A thread is what the caller says it is (`thread`), or else what the usual metadata keys name, taken together: a session
number means something only inside its conversation.
"""

import hashlib
from collections.abc import Mapping
from typing import Any

KEYS = (
    "thread", "thread_id", "conversation", "conversation_id", "meeting", "meeting_id", "document", "document_id",
    "doc_id", "session", "session_id",
)  # fmt: skip
MAX_LENGTH = 300


def thread_key(thread: str, source: str, metadata: Mapping[str, Any]) -> str:
    """Return the name of a memory's thread, unique in its organisation; empty for none."""
    if thread:
        return f"{source}\x1f{thread}"
    named = [(key, metadata[key]) for key in KEYS if key in metadata and _names(metadata[key])]
    if not named:
        return ""
    return "\x1f".join((source, *(f"{key}={value}" for key, value in named)))


def thread_id(key: str) -> int | None:
    """Return a thread's number: the first 8 bytes of BLAKE2b over its name, as a signed integer; None for no name."""
    if not key:
        return None
    return int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8).digest(), "big", signed=True)


def _names(value: Any) -> bool:
    if isinstance(value, str):
        return 0 < len(value) <= MAX_LENGTH
    return isinstance(value, int) and not isinstance(value, bool)
