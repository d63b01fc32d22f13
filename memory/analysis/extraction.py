"""Extract what search indexes of a memory when it is written. Pure."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from memory.analysis.entities import entities_of
from memory.analysis.passages import Passage, cut
from memory.analysis.periods import happened_at, tells_time
from memory.analysis.questions import ends_as_question
from memory.analysis.threads import thread_id, thread_key
from memory.analysis.words import count_terms, read_words
from memory.types import MemoryDraft

_TRAILING_NOTE = re.compile(r"\s*\[[^\]]*\]\s*$")
# a longer text is a document, and neither a question nor dated as a whole
SHORT = 2_000


@dataclass(frozen=True, slots=True)
class ReadPassage:
    """The content that search indexes of a passage.

    Attributes:
        place: where it is in the text.
        language: ISO 639-1, "" if unknown.
        terms: stemmed term to count.
        words: its length in terms.
    """

    place: Passage
    language: str
    terms: dict[str, int]
    words: int


@dataclass(frozen=True, slots=True)
class Reading:
    """The content that search indexes of a memory.

    Attributes:
        passages: at least one, in order.
        entities: key to kind.
        thread: the id of its thread.
        happened_at: when the event it describes took place, aware UTC; None means when it is recorded.
        asks: whether it is a question, and so rarely an answer.
        tells_time: whether it says when something was or will be.
    """

    passages: tuple[ReadPassage, ...]
    entities: dict[str, str]
    thread: int | None
    happened_at: datetime | None
    asks: bool
    tells_time: bool

    @property
    def words(self) -> int:
        """The content's length in terms."""
        return sum(each.words for each in self.passages)

    @property
    def postings(self) -> int:
        """The number of its postings: of each passage's distinct terms."""
        return sum(len(each.terms) for each in self.passages)

    @property
    def language(self) -> str:
        """The language of most of its words."""
        if len(self.passages) == 1:
            return self.passages[0].language
        shares: Counter[str] = Counter()
        for each in self.passages:
            shares[each.language] += each.words
        return min(shares, key=lambda language: (-shares[language], language))


def read(draft: MemoryDraft, places: Sequence[Passage] = ()) -> Reading:
    """Return what search indexes of a draft: no words of one that is not to be indexed.

    Args:
        draft: the memory.
        places: its passages; by default its text is cut.
    """
    content = draft.content
    cuts = places or cut(content, draft.layout)
    is_short = len(content) <= SHORT
    return Reading(
        passages=tuple(
            read_passage(content, place) if draft.index else ReadPassage(place, "", {}, 0) for place in cuts
        ),
        entities=entities_of(content, draft.metadata),
        thread=thread_id(thread_key(draft.thread, draft.source, draft.metadata)),
        happened_at=draft.valid_from or happened_at(draft.metadata),
        asks=is_short and ends_as_question(_TRAILING_NOTE.sub("", content)),
        tells_time=is_short and tells_time(content),
    )


def read_passage(content: str, place: Passage, language: str | None = None) -> ReadPassage:
    """Return what search indexes of a passage of a text; its language is told from it unless given."""
    text = content[place.start : place.end]
    spoken, counted = read_words(text) if language is None else (language, count_terms(text, language))
    return ReadPassage(place, spoken, counted, sum(counted.values()))
