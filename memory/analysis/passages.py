"""Cut a text into passages, the units of search. Pure.

A model reads 256 or 512 tokens, and a vector blurs what a text of several subjects says. A text of up to FITS estimated tokens is one
passage; a longer one is cut at every heading, page break and paragraph, where what is cut off has SMALLEST tokens, and larger paragraphs into
windows of about WINDOW tokens at lines, sentences or spaces, in this order of preference.

Tokens are estimated from characters: 3.5 letters of the Latin script, 1.75 of other alphabets, one ideograph, kana or symbol.
White space counts nothing.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import zip_longest

import numpy as np
from numpy.typing import NDArray

from memory.types import Mark

FITS = 400
WINDOW = 90
LARGEST = 140
"""Tokens of a window at most."""
SMALLEST = 60
"""Tokens below which a window goes on into the next paragraph, section or page."""
HEADING_SEPARATOR = " > "
MAX_HEADING = 300
"""Characters of a heading with its path; the beginning of a longer path is left out."""
UNIT = 7
"""Weight of a token, so that the weights of characters are integers."""

# how far from the middle of its range a cut may be moved to a better place, in tokens
_SLACK = 40
_LATIN, _ALPHABET, _IDEOGRAPH = 2, 4, 7
_SENTENCE = re.compile(
    r"[.!?\u2026\u061f\u06d4\u0964\u0965][\"')\]\u201d\u2019\u00bb]*(?=\s)|[\u3002\uff01\uff1f\uff61]"
)
_LINE = re.compile(r"\n")
_PARAGRAPH = re.compile(r"\n[ \t\r\f\v]*\n")
_SPACE = re.compile(r"\s")
_PAGE_END = re.compile(r"\f")
_HEADING = re.compile(r"(?:^|(?<=\f)) {0,3}(?:(#{1,6})[ \t]+(\S[^\n]*)|(?:```|~~~))", re.MULTILINE)
# what belongs to the character before it: combining marks, joiners, selectors and skin tones
_JOINED = re.compile(
    "[\u0300-\u036f\u0483-\u0489\u0591-\u05bd\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06dc\u0900-\u0903\u093a-\u093c\u093e-\u094f"
    "\u0e31\u0e34-\u0e3a\u0e47-\u0e4e\u0eb1\u0eb4-\u0ebc\u0ec8-\u0ece\u102b-\u103e\u17b4-\u17d3\u1ab0-\u1aff\u1dc0-\u1dff"
    "\u200c\u200d\u20d0-\u20ff\u3099\u309a\ufe00-\ufe0f\ufe20-\ufe2f\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f\udc00-\udfff\n]"
)
_MOST_JOINED = 32
"""Marks that a cut avoids to separate from their character; texts with more in a row are noise."""


@dataclass(frozen=True, slots=True)
class Passage:
    """A window of a text.

    Attributes:
        start, end: offsets in characters, without surrounding white space.
        page: the page it begins on, from 1; None if unknown.
        heading: the heading of the section it begins in, with its path.
    """

    start: int
    end: int
    page: int | None = None
    heading: str = ""


def cut(text: str, layout: Sequence[Mark] = ()) -> list[Passage]:
    """Return a text's passages in order; together they contain everything but white space between them.

    A text that fits is one passage with exactly its bounds. The marks of the result (`marks_of`) give the same cut again.

    Args:
        text: any string.
        layout: marks by start; if it is empty, form feeds end pages; if it has no more than pages, headings of Markdown are read too.

    Cost: linear, 0.1 s for a megabyte.
    """
    if fits(text):
        first = next((mark for mark in reversed(layout) if mark.start <= 0), Mark(0))
        return [Passage(0, len(text), first.page, first.heading)]
    passages = []
    for mark, start, end in _windows(text, _with_paragraphs(text, _marks(text, layout))):
        inner = text[start:end]
        left = start + len(inner) - len(inner.lstrip())
        if left < end:
            passages.append(Passage(left, start + len(inner.rstrip()), mark.page, mark.heading))
    return passages


def fits(text: str) -> bool:
    """Return whether a text is one passage."""
    size = len(text)
    if size * _IDEOGRAPH <= FITS * UNIT:
        return True
    if text.isascii() and size * _LATIN <= FITS * UNIT:
        return True
    return tokens_in(text) <= FITS


def tokens_in(text: str) -> int:
    """Return the estimated number of tokens of a text, rounded up."""
    return -(-int(_weights(text).sum(dtype=np.int64)) // UNIT)


def marks_of(passages: Sequence[Passage]) -> tuple[Mark, ...]:
    """Return the layout that gives the same passages again."""
    return tuple(Mark(each.start, each.page, each.heading) for each in passages)


@cache
def _table() -> NDArray[np.uint8]:
    """Return the weight of each code point."""
    table = np.full(0x110000, _IDEOGRAPH, np.uint8)
    table[:0x250] = _LATIN
    table[0x250:0x2000] = _ALPHABET
    table[0x1E00:0x1F00] = _LATIN
    table[0x2000:0x2070] = _LATIN  # punctuation
    table[0xA640:0xAC00] = _ALPHABET
    table[0xFB00:0xFF00] = _ALPHABET
    for code in (
        *range(0x21),
        0x7F,
        0x85,
        0xA0,
        0xAD,
        0x1680,
        *range(0x2000, 0x2010),
        0x2028,
        0x2029,
        0x202F,
        0x205F,
        0x3000,
        0xFEFF,
    ):
        table[code] = 0
    return table


def _weights(text: str) -> NDArray[np.uint8]:
    return _table()[np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4")]


def _measure(text: str) -> NDArray[np.int64]:
    """Return the weight before each offset, shape (len(text) + 1,)."""
    return np.concatenate(([0], np.cumsum(_weights(text), dtype=np.int64)))


def _marks(text: str, layout: Sequence[Mark]) -> list[Mark]:
    """Return where sections begin, the first at 0, with strictly rising starts within the text."""
    if not layout and "\f" in text:
        ends = [match.end() for match in _PAGE_END.finditer(text)]
        layout = [Mark(start, page) for page, start in enumerate([0, *ends], 1)]
    if all(mark.page is not None and not mark.heading for mark in layout):
        layout = _with_headings(layout, list(_headings(text)))
    found = {0: Mark(0)}
    for mark in sorted(layout, key=lambda each: each.start):
        start = max(0, mark.start)
        if start < len(text):
            found[start] = Mark(start, mark.page, mark.heading[-MAX_HEADING:])
    return list(found.values())


def _with_headings(pages: Sequence[Mark], headings: Sequence[Mark]) -> list[Mark]:
    """Merge the marks of pages with those of headings."""
    merged: list[Mark] = []
    page, heading = None, ""
    for mark in sorted((*pages, *headings), key=lambda each: each.start):
        page = mark.page if mark.page is not None else page
        heading = mark.heading or heading
        if merged and merged[-1].start == mark.start:
            merged.pop()
        merged.append(Mark(mark.start, page, heading))
    return merged


def _with_paragraphs(text: str, marks: Sequence[Mark]) -> list[Mark]:
    """Return the marks of sections together with those of their paragraphs."""
    starts = iter([*(match.end() for match in _PARAGRAPH.finditer(text)), len(text)])
    merged, start = [], next(starts)
    for mark, following in zip_longest(marks, marks[1:]):
        merged.append(mark)
        end = following.start if following else len(text)
        while start < end:
            if start > mark.start:
                merged.append(Mark(start, mark.page, mark.heading))
            start = next(starts)
    return merged


def _headings(text: str) -> Iterator[Mark]:
    """Yield a mark for each Markdown heading outside of code blocks."""
    path: list[tuple[int, str]] = []
    is_code = False
    for match in _HEADING.finditer(text):
        if match[1] is None:
            is_code = not is_code
        elif not is_code:
            level = len(match[1])
            path = [each for each in path if each[0] < level]
            path.append((level, match[2].rstrip("# \t\r")[:MAX_HEADING]))
            yield Mark(match.start(), None, HEADING_SEPARATOR.join(title for _, title in path)[-MAX_HEADING:])


def _windows(text: str, marks: Sequence[Mark]) -> Iterator[tuple[Mark, int, int]]:
    """Yield windows as (mark, start, end): small sections go on into the next, large ones are split evenly."""
    measure, breaks = _measure(text), _Breaks(text)
    first, start = marks[0], 0
    for mark, following in zip_longest(marks, marks[1:]):
        held = measure[mark.start] - measure[start]
        if held >= SMALLEST * UNIT:
            yield first, start, mark.start
            first, start = mark, mark.start
        elif not held:
            first = mark
        end = following.start if following else len(text)
        while (left := int(measure[end] - measure[start])) > LARGEST * UNIT:
            place = _place(int(measure[start]), left, measure, breaks)
            yield first, start, place
            first, start = mark, place
    yield first, start, len(text)


def _place(before: int, left: int, measure: NDArray[np.int64], breaks: "_Breaks") -> int:
    """Return where to cut a section of which the weight `left` follows the weight `before`."""
    wanted = before + left // max(2, round(left / (WINDOW * UNIT)))
    least = max(wanted - _SLACK * UNIT, before + SMALLEST * UNIT)
    most = min(wanted + _SLACK * UNIT, before + LARGEST * UNIT)
    low, middle = (int(each) for each in np.searchsorted(measure, [least, wanted]))
    return breaks.best(low, middle, int(np.searchsorted(measure, most, side="right")) - 1)


class _Breaks:
    """The places where a text may be cut, best kind first."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._kinds = [
            [match.end() for match in pattern.finditer(text)]
            for pattern in (_PARAGRAPH, _LINE, _SENTENCE, _SPACE)
        ]

    def best(self, low: int, middle: int, high: int) -> int:
        """Return the best place from `low` to `high`, of its kind the one nearest to the middle."""
        for places in self._kinds:
            some = places[bisect_left(places, low) : bisect_right(places, high)]
            if some:
                return min(some, key=lambda place: abs(place - middle))
        for place in range(middle, max(low, middle - _MOST_JOINED), -1):
            if not _JOINED.match(self._text, place) and self._text[place - 1] != "\u200d":
                return place
        return middle
