"""Threads: the session, conversation or document that a memory belongs to. Pure.

The caller's `thread` wins. Otherwise the usual metadata keys identify it together: a session number is only unique within its
conversation.
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
    """Return the key of a memory's thread, unique in its organisation; empty if it has none."""
    if thread:
        return f"{source}\x1f{thread}"
    named = [(key, metadata[key]) for key in KEYS if key in metadata and _is_name(metadata[key])]
    if not named:
        return ""
    return "\x1f".join((source, *(f"{key}={value}" for key, value in named)))


def thread_id(key: str) -> int | None:
    """Return a thread's id, its key's 8-byte BLAKE2b digest as a signed integer; None for an empty key."""
    if not key:
        return None
    return int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8).digest(), "big", signed=True)


def _is_name(value: Any) -> bool:
    if isinstance(value, str):
        return 0 < len(value) <= MAX_LENGTH
    return isinstance(value, int) and not isinstance(value, bool)
