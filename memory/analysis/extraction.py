"""What is read out of a memory when it is written, for search to find it by. Pure."""

import re
from dataclasses import dataclass
from datetime import datetime

from memory.analysis.entities import entities_of
from memory.analysis.periods import happened_at, tells_time
from memory.analysis.threads import thread_id, thread_key
from memory.analysis.words import count_terms
from memory.types import MemoryDraft

_TRAILING_NOTE = re.compile(r"\s*\[[^\]]*\]\s*$")
# looked at for questions and times; what is longer is a document, of which neither is true as a whole
SHORT = 2_000


@dataclass(frozen=True, slots=True)
class Reading:
    """A memory as search sees it.

    Attributes:
        terms: stemmed term to count.
        entities: key to kind.
        thread: the number of the thread it is part of.
        happened_at: when what it tells of was, aware UTC; None for the time it is recorded.
        asks: it is a question, and so rarely an answer.
        tells_time: it says when something was or will be.
    """

    terms: dict[str, int]
    entities: dict[str, str]
    thread: int | None
    happened_at: datetime | None
    asks: bool
    tells_time: bool

    @property
    def words(self) -> int:
        """How many words the content has."""
        return sum(self.terms.values())


def read(draft: MemoryDraft) -> Reading:
    """Return what search needs to know of a draft."""
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
