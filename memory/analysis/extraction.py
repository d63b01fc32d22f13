"""Extract what search indexes of a memory when it is written. Pure."""

import re
from dataclasses import dataclass
from datetime import datetime

from memory.analysis.entities import entities_of
from memory.analysis.periods import happened_at, tells_time
from memory.analysis.threads import thread_id, thread_key
from memory.analysis.words import count_terms
from memory.types import MemoryDraft

_TRAILING_NOTE = re.compile(r"\s*\[[^\]]*\]\s*$")
# a longer text is a document, and neither a question nor dated as a whole
SHORT = 2_000


@dataclass(frozen=True, slots=True)
class Reading:
    """What search indexes of a memory.

    Attributes:
        terms: stemmed term to count.
        entities: key to kind.
        thread: the id of its thread.
        happened_at: when the event it describes took place, aware UTC; None means when it is recorded.
        asks: whether it is a question, and so rarely an answer.
        tells_time: whether it says when something was or will be.
    """

    terms: dict[str, int]
    entities: dict[str, str]
    thread: int | None
    happened_at: datetime | None
    asks: bool
    tells_time: bool

    @property
    def words(self) -> int:
        """The content's length in terms."""
        return sum(self.terms.values())


def read(draft: MemoryDraft) -> Reading:
    """Return what search indexes of a draft."""
    content = draft.content
    is_short = len(content) <= SHORT
    return Reading(
        terms=dict(count_terms(content)),
        entities=entities_of(content, draft.metadata),
        thread=thread_id(thread_key(draft.thread, draft.source, draft.metadata)),
        happened_at=draft.valid_from or happened_at(draft.metadata),
        asks=is_short and _TRAILING_NOTE.sub("", content).rstrip().endswith("?"),
        tells_time=is_short and tells_time(content),
    )
