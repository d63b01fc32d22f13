"""Find rejected values inside longer texts by rolling hashes. Pure.

A normal form (memory/analysis/values.py) is split into words; in scripts without spaces each character is a word. Each word has
a keyed 64-bit hash. A tombstone stores a trace: the rolling hash of the value's first 2^k words, 2^k <= words, so that a text
is scanned once per power of two rather than once per length. Each match is cut out of the text for the caller to compare by its
full key: a hash collision costs time but never causes a false match.

Cost: linear in the text; 100 kB take about 80 ms (docs/memory-life.md).
Source: Karp & Rabin 1987, as prefix sums modulo 2^64 with an odd base, which is invertible there.
"""

import hashlib
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from memory.analysis.stopwords import FUNCTION_WORDS

MOST_WORDS = 500
"""Longer values are not searched for, which bounds the size of the parts to compare."""
LONG_WORD, NUMBERED, UNSPACED = 8, 4, 4
"""Minimum characters of a one-word value: in general, with letters and digits, in a script without spaces."""

# Thai, Lao, Myanmar, Khmer, kana, Han
_NO_BLANKS = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    "\U00020000-\U0003ffff"
)
_WORD = re.compile(f"[{_NO_BLANKS}]|[^\\W_{_NO_BLANKS}]+")
_UNSPACED = re.compile(f"[{_NO_BLANKS}]+")
_MASK = (1 << 64) - 1
# join the characters on both sides into one word
_JOINING = frozenset("-\u2010\u2011\u2012\u2212'\u2019@&_")
_IN_NUMBERS = frozenset(".,:/")
_SIGNS = frozenset("-\u2010\u2011\u2012\u2212+~\u00b1\u2248$\u20ac\u00a3\u00a5#^")
_COMPARISONS = frozenset("<>\u2264\u2265=\u2260")
_UNITS = frozenset("%\u2030\u00b0$\u20ac\u00a3\u00a5^")
# the look-alike prototypes of 1 and 0
_LIKE_DIGITS = frozenset("lo")


class Shape(NamedTuple):
    """A form's number of words, and of characters before the first and after the last."""

    words: int
    lead: int
    trail: int


class Trace(NamedTuple):
    """The stored part of a form: its shape, and the hash of its first 2^k words as a signed 64-bit number."""

    shape: Shape
    anchor: int


@dataclass(frozen=True, slots=True)
class Hasher:
    """An organisation's word hash.

    Attributes:
        key: BLAKE2b key, up to 64 bytes.
        base: odd base of the rolling hash.
    """

    key: bytes
    base: int

    def word(self, word: str) -> int:
        """Return a word's unsigned 64-bit hash."""
        digest = hashlib.blake2b(word.encode("utf-8", "surrogatepass"), digest_size=8, key=self.key).digest()
        return int.from_bytes(digest, "big")


def traces(forms: Sequence[str], hasher: Hasher) -> dict[str, Trace]:
    """Return the trace of each form that is not too long; {} for a value too common to search for.

    Args:
        forms: of one value, the folded one first.
        hasher: the organisation's.
    """
    if not forms or not _is_telling(_WORD.findall(forms[0])):
        return {}
    found = {form: _trace(form, hasher) for form in forms}
    return {form: each for form, each in found.items() if each is not None}


def _trace(form: str, hasher: Hasher) -> Trace | None:
    found = list(_WORD.finditer(form))
    if not 0 < len(found) <= MOST_WORDS:
        return None
    anchor = 0
    for place, each in enumerate(found[: _span(len(found))]):
        anchor += hasher.word(each.group()) * pow(hasher.base, place, 1 << 64)
    lead, trail = found[0].start(), len(form) - found[-1].end()
    if max(lead, trail) > MOST_WORDS:
        return None
    return Trace(Shape(len(found), lead, trail), _signed(anchor & _MASK))


def find_inside(
    forms: Sequence[str], wanted: Mapping[Shape, Sequence[int]], hasher: Hasher
) -> Iterator[tuple[int, str]]:
    """Yield each distinct candidate for a rejected value, as the form's index and the part of it to compare.

    Args:
        forms: of one or more texts.
        wanted: anchors of rejected values, by shape.
        hasher: the organisation's.
    """
    by_span: dict[int, dict[Shape, np.ndarray]] = defaultdict(dict)
    for shape, anchors in wanted.items():
        by_span[_span(shape.words)][shape] = np.array(anchors, np.int64).view(np.uint64)
    read = _Read(forms, hasher)
    seen: set[tuple[int, str]] = set()
    for span, shapes in by_span.items():
        hits = read.places(span, np.concatenate(list(shapes.values())))
        if not hits:
            continue
        known = {shape: set(anchors.tolist()) for shape, anchors in shapes.items()}
        for place, window in hits:
            for shape, those in known.items():
                part = read.cut(place, shape) if window in those else None
                if part is not None and part not in seen:
                    seen.add(part)
                    yield part


class _Read:
    """The concatenated words of forms, with prefix sums of their hashes."""

    def __init__(self, forms: Sequence[str], hasher: Hasher) -> None:
        self.forms = forms
        known: dict[str, int] = {}
        hashes: list[int] = []
        owners: list[int] = []
        self.spans: list[tuple[int, int]] = []
        for owner, form in enumerate(forms):
            for each in _WORD.finditer(form):
                word = each.group()
                value = known.get(word)
                if value is None:
                    value = known[word] = hasher.word(word)
                hashes.append(value)
                owners.append(owner)
                self.spans.append(each.span())
        self.owners = np.array(owners, np.int64)
        count = len(hashes)
        self.undo = _powers(pow(hasher.base, -1, 1 << 64), count)
        # all modulo 2^64: numpy's unsigned integers wrap
        sums = np.cumsum(np.array(hashes, np.uint64) * _powers(hasher.base, count), dtype=np.uint64)
        self.sums = np.concatenate([np.zeros(1, np.uint64), sums])

    def places(self, span: int, anchors: np.ndarray) -> list[tuple[int, int]]:
        """Return the start and the hash of each window whose hash is among the anchors."""
        count = len(self.spans) - span + 1
        if count <= 0:
            return []
        windows = (self.sums[span:] - self.sums[:-span]) * self.undo[:count]
        same = self.owners[:count] == self.owners[span - 1 :]
        places = np.nonzero(np.isin(windows, anchors) & same)[0]
        return list(zip(places.tolist(), windows[places].tolist(), strict=True))

    def cut(self, place: int, shape: Shape) -> tuple[int, str] | None:
        """Return the form's index and the part with this shape; None if it does not fit or cuts a word or number."""
        last = place + shape.words - 1
        if last >= len(self.spans) or self.owners[last] != self.owners[place]:
            return None
        owner = int(self.owners[place])
        form = self.forms[owner]
        start, end = self.spans[place][0] - shape.lead, self.spans[last][1] + shape.trail
        if start < 0 or end > len(form) or not (_begins(form, start) and _ends(form, end)):
            return None
        return owner, form[start:end]


def _span(words: int) -> int:
    """Return the largest power of two up to `words`."""
    return 1 << (words.bit_length() - 1)


def _powers(base: int, count: int) -> np.ndarray:
    steps = np.full(count, base, np.uint64)
    steps[:1] = 1
    return np.cumprod(steps, dtype=np.uint64)


def _signed(number: int) -> int:
    return number - (1 << 64) if number >> 63 else number


def _is_telling(words: Sequence[str]) -> bool:
    """Return whether words are specific enough to search for: one long word, or several not all function words."""
    joined = "".join(words)
    if _UNSPACED.fullmatch(joined):
        return len(joined) >= UNSPACED
    if len(words) != 1:
        return not all(word in FUNCTION_WORDS for word in words)
    numbered = not joined.isalpha() and not joined.isdecimal()
    return len(joined) >= (NUMBERED if numbered else LONG_WORD)


def _begins(form: str, start: int) -> bool:
    """Return whether a value may start here: not within a word or number, nor after a sign or currency."""
    if start == 0:
        return True
    first, before = form[start], form[start - 1]
    further = form[start - 2] if start > 1 else " "
    if unicodedata.category(first).startswith("M"):
        return False
    if before.isspace():
        return True
    if not first.isalnum():
        return not before.isalnum()
    if _digit(first):
        if before in _SIGNS or (before in _IN_NUMBERS and (_digit(further) or further.isspace())):
            return False
        return not (before in _COMPARISONS and further.isspace())
    if (before == "." and further.isspace()) or (before in "#@" and not further.isalnum()):
        return False
    return not (before in _JOINING and further.isalnum())


def _ends(form: str, end: int) -> bool:
    """Return whether a value may end here: not within a word or number, nor before a unit or question mark."""
    last, after, further = form[end - 1], form[end : end + 1], form[end + 1 : end + 2]
    if not after:
        return True
    if after == "?" or (after == " " and further == "?") or unicodedata.category(after).startswith("M"):
        return False
    if _digit(last) and (after in _UNITS or (after in _IN_NUMBERS and further and _digit(further))):
        return False
    if last.isalnum() and after in "#+":
        return False
    if not last.isalnum():
        return not after.isalnum()
    return not (after in _JOINING and further.isalnum())


def _digit(character: str) -> bool:
    return character.isdecimal() or character in _LIKE_DIGITS
