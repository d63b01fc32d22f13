"""Format memories as quoted data for a prompt, within a token budget. Pure.

A memory of several passages is quoted by those that match the question. Every hit gets its best passage first, in the order of the hits;
what is left of the budget goes to further passages that match about as well, then to the passages beside them, then to the rest.

Stored text may contain instructions: `memory.search.fencing` encloses and marks it.

A token is counted per three UTF-8 bytes, rounded up. English has about four bytes per token and Chinese three, so this is an
upper estimate.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from memory.search.fencing import marked, named, new_tag, preface
from memory.search.types import FoundPassage, Hit

CUT = "[cut]"
# records are not cut below this size
LEAST_TOKENS = 24
# share of the best passage's score from which another is quoted before what stands beside it
AS_GOOD = 0.6


@dataclass(frozen=True, slots=True)
class Prompt:
    """Text for a prompt, the ids of the memories in it, and its token count."""

    text: str
    ids: list[UUID]
    tokens: int


def count_tokens(text: str) -> int:
    """Return an upper estimate of a text's tokens."""
    return -(-len(text.encode("utf-8", "replace")) // 3)


def as_prompt(hits: Sequence[Hit], token_budget: int, *, nonce: str | None = None) -> Prompt:
    """Return the best memories that fit a budget, best first: the first of `hits`.

    Args:
        hits: best first, with the passages that a search for a prompt brings (`SearchRequest.passages`).
        token_budget: for the whole text; the text is empty if not even the preface fits.
        nonce: tag suffix, random by default.
    """
    tag = new_tag(nonce)
    opening = preface(tag)
    left = token_budget - count_tokens(opening)
    records: list[_Record] = []
    for hit in hits:
        record = _Record(tag, hit)
        cost = record.cost_of(record.best)
        if cost > left:
            if record.cut(left):
                records.append(record)
                left -= record.tokens
            break
        record.add(record.best)
        records.append(record)
        left -= cost
    for record, passage in _further(records):
        cost = record.cost_of(passage)
        if cost <= left:
            record.add(passage)
            left -= cost
    text = (
        opening + "".join(record.text for record in records) if token_budget >= count_tokens(opening) else ""
    )
    return Prompt(text, [record.hit.id for record in records], count_tokens(text))


class _Record:
    """A hit's record: the passages of it that are quoted so far."""

    def __init__(self, tag: str, hit: Hit) -> None:
        self.hit = hit
        self.passages = hit.passages if hit.passage_count > 1 else ()
        self.best = self.passages[0] if self.passages else None
        self._head, self._tail = f"<{tag} {_attributes(hit)}", f"</{tag}>\n"
        self._quoted: tuple[FoundPassage, ...] = ()
        self.text = ""

    @property
    def tokens(self) -> int:
        """Its size so far."""
        return count_tokens(self.text)

    def cost_of(self, passage: FoundPassage | None) -> int:
        """Return the tokens that another passage, or all of a memory of one, adds."""
        return count_tokens(self._with(passage)) - self.tokens

    def add(self, passage: FoundPassage | None) -> None:
        """Quote another passage too."""
        self.text = self._with(passage)
        if passage is not None:
            self._quoted = (*self._quoted, passage)

    def cut(self, tokens: int) -> bool:
        """Quote as much of the best passage as fits; return whether any does."""
        quoted = [] if self.best is None else [self.best]
        frame = self._frame(quoted)
        room = tokens - count_tokens(frame[0] + frame[1])
        if room < LEAST_TOKENS:
            return False
        body = _cut(marked(self._body(quoted)), room)
        self.text = frame[0] + body + frame[1]
        # nothing can be added to it
        self.passages = ()
        return True

    def _with(self, passage: FoundPassage | None) -> str:
        quoted = sorted(
            [*self._quoted, *([] if passage is None else [passage])], key=lambda each: each.number
        )
        head, tail = self._frame(quoted)
        return head + marked(self._body(quoted)) + tail

    def _frame(self, quoted: Sequence[FoundPassage]) -> tuple[str, str]:
        pages = ", ".join(dict.fromkeys(str(each.page) for each in quoted if each.page is not None))
        heading = next((each.heading for each in quoted if each is self.best), "")
        return self._head + named(page=pages, section=heading) + ">\n", self._tail

    def _body(self, quoted: Sequence[FoundPassage]) -> str:
        """Return the text of passages in their order, adjacent ones merged, marked where text is missing."""
        if not quoted:
            return self.hit.content
        parts, last = [], self.hit.passage_count - 1
        for before, passage, after in zip([None, *quoted], quoted, [*quoted[1:], None], strict=False):
            if before is None or before.number + 1 < passage.number:
                parts.append(f"{CUT} " if passage.number else "")
            else:
                parts.append(self._between(before, passage))
            parts.append(passage.text)
            if after is None or after.number > passage.number + 1:
                parts.append(f" {CUT}" if passage.number < last else "")
                parts.append("\n" if after is not None else "")
        return "".join(parts)

    def _between(self, one: FoundPassage, other: FoundPassage) -> str:
        """Return the white space between adjacent passages."""
        gap = self.hit.content[one.end : other.start]
        return gap if len(self.hit.content) >= other.start and not gap.strip() else "\n"


def _further(records: Sequence[_Record]) -> list[tuple[_Record, FoundPassage]]:
    """Return the passages that are quoted after the best of each record, most useful first."""

    def usefulness(record: _Record, passage: FoundPassage) -> tuple[int, float]:
        if passage.score >= AS_GOOD * record.passages[0].score > 0:
            return 0, -passage.score
        best = record.passages[0].number
        return (1, abs(passage.number - best)) if not passage.score else (2, -passage.score)

    found = [(record, passage) for record in records for passage in record.passages[1:]]
    return sorted(found, key=lambda each: usefulness(*each))


def _attributes(hit: Hit) -> str:
    return named(
        id=str(hit.id),
        type=hit.memory_type,
        source=hit.source,
        recorded=hit.recorded_at.date().isoformat(),
    ).lstrip()


def _cut(body: str, tokens: int) -> str:
    room = 3 * tokens - len(CUT) - 2
    return body.encode()[:room].decode("utf-8", "ignore").rstrip() + f" {CUT}\n"
