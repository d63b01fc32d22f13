"""Why a document can't be read, as the parser's process tells its parent. No Django."""

from typing import Any


class Failure(Exception):
    """The document can't be read.

    Attributes:
        reason: a key of `memory.documents.errors.FAILURES`.
        figures: what its message is filled in with.
    """

    def __init__(self, reason: str, **figures: Any) -> None:
        """Name the reason."""
        super().__init__(reason)
        self.reason = reason
        self.figures = figures


def is_out_of_memory(error: Exception) -> bool:
    """Return whether a library's error says that memory is used up; libxml2 has no other way to say so."""
    return "memory" in str(error).casefold()
