"""The operators of a query: "a quoted phrase" and -excluded words; and the codes in it. Pure.

Only quotation marks that pair count, and an apostrophe is never one. A straight mark opens before a word and closes after one, so
`a 24" screen and a 27" one` quotes nothing. A minus excludes directly before a letter or a quotation, at the start or after a space:
`e-mail`, `-5 %` and `2020-2024` exclude nothing.
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

MAX_PHRASES = 16
MAX_CODES = 16

# opening mark to closing marks; German closes with the mark that opens English quotations
_PAIRS = {
    '"': '"', "“": "”“", "”": "”", "„": "“”", "«": "»", "»": "«", "「": "」", "『": "』", "《": "》", "〈": "〉", "\uff02": "\uff02",
}  # fmt: skip
_SAME = frozenset(opening for opening, closing in _PAIRS.items() if opening in closing)
_MINUS = re.compile(r"(?<!\S)-(?=[^\W\d_])(\S+)")
_WORDY = re.compile(r"[^\W_]")
# words and figures with signs between them
_VERSION = re.compile(r"^v(?=\d)")
_TOKEN = re.compile(r"[^\W_]+(?:[-./:,#_]+[^\W_]+)*")
_ORDINARY = re.compile(
    r"\d{1,3}(?:st|nd|rd|th|er|ère|ème|e|º|ª|am|pm|h|s|k|m|x)|\d{4}s"  # ordinals, hours, decades
    r"|(?:1[89]|20)\d\d(?:[-/.](?:(?:1[89]|20)?\d\d))?"  # years and spans of years
    r"|\d{4}[-./]\d{1,2}(?:[-./]\d{1,2})?|\d{1,2}[-./]\d{1,2}[-./]\d{4}|\d{1,2}/\d{1,2}/\d{2}"  # dates
    r"|\d{1,2}:\d\d(?::\d\d)?(?:[ap]m)?"  # times
    r"|q[1-4](?:[-/]?\d{4})?|\d{4}[-/]?q[1-4]"  # quarters
    r"|\d{1,2}(?:-[^\W\d_]+)+",  # 24-hour, 3-year-old
)


@dataclass(frozen=True, slots=True)
class Query:
    """A query apart from its operators.

    Attributes:
        text: what is searched for, without quotation marks and excluded words.
        phrases: what it quotes: a memory must contain each.
        excluded: the words and phrases that a memory must not contain.
        has_other_words: whether it has words that are neither quoted nor excluded.
    """

    text: str
    phrases: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    has_other_words: bool = True

    @property
    def has_operators(self) -> bool:
        """True if it quotes or excludes anything."""
        return bool(self.phrases or self.excluded)


def read_query(query: str) -> Query:
    """Separate a query from its operators; without any, the text is the query itself."""
    if "-" not in query and not any(mark in query for mark in _PAIRS):
        return Query(query)
    phrases: list[str] = []
    excluded: list[str] = []
    kept: list[str] = []
    unquoted: list[str] = []
    place = 0
    while place < len(query):
        end = _closing(query, place)
        if end is None:
            kept.append(query[place])
            unquoted.append(query[place])
            place += 1
            continue
        inner = query[place + 1 : end].strip()
        if _is_minus(query, place - 1):
            kept.pop()
            unquoted.pop()
            excluded.append(inner)
        else:
            phrases.append(inner)
            kept.append(f" {inner} ")
            unquoted.append(" ")
        place = end + 1
    text = "".join(kept)
    excluded += [match[1].rstrip(".,;:!?)]}") for match in _MINUS.finditer(text)]
    if not phrases and not excluded:
        return Query(query)
    return Query(
        " ".join(_MINUS.sub(" ", text).split()),
        tuple(dict.fromkeys(phrases))[:MAX_PHRASES],
        tuple(dict.fromkeys(excluded))[:MAX_PHRASES],
        _WORDY.search(_MINUS.sub(" ", "".join(unquoted))) is not None,
    )


def codes_in(text: str) -> tuple[str, ...]:
    """Return the codes and longer numbers of a query, folded: `sku-4431`, `2.3.1`, `4,711.00`; not dates, times and years."""
    found = [_VERSION.sub("", match[0]) for match in _TOKEN.finditer(fold(text)) if _is_code(match[0])]
    return tuple(dict.fromkeys(found))[:MAX_CODES]


def has_code(text: str, code: str) -> bool:
    """Return whether a folded text contains a code as a whole: `2.3.1` is neither in `2.3.10` nor in `1.2.3.1`."""
    return _pattern(code).search(text) is not None


def fold(text: str) -> str:
    """Return a text in the form in which codes are compared."""
    return unicodedata.normalize("NFKC", text).casefold()


def _closing(query: str, place: int) -> int | None:
    """Return the place of the mark that closes a quotation opened at `place`; None if none opens there or none closes it."""
    mark = query[place]
    closing = _PAIRS.get(mark)
    if closing is None:
        return None
    if mark in _SAME and not _opens(query, place):
        return None
    for end in range(place + 1, len(query)):
        if query[end] not in closing or (query[end] in _SAME and not _closes(query, end)):
            continue
        return end if _WORDY.search(query, place + 1, end) else None
    return None


def _opens(query: str, place: int) -> bool:
    """Return whether a mark that also closes stands where a quotation opens: before a word and not after one."""
    before, after = query[place - 1 : place] if place else "", query[place + 1 : place + 2]
    return not before.isalnum() and before not in {".", ",", "!", "?", ")"} and bool(after.strip())


def _closes(query: str, place: int) -> bool:
    before, after = query[place - 1], query[place + 1 : place + 2]
    return bool(before.strip()) and not after.isalnum()


def _is_minus(query: str, place: int) -> bool:
    return place >= 0 and query[place] == "-" and (place == 0 or query[place - 1].isspace())


def _is_code(token: str) -> bool:
    if not any(each.isdigit() for each in token) or _ORDINARY.fullmatch(token):
        return False
    return len(token) >= 3 or not token.isdigit()


@lru_cache(maxsize=1_000)
def _pattern(code: str) -> re.Pattern[str]:
    # a letter, figure or sign that continues a code makes it another one; a version may have a leading v
    before = r"(?<![^\W_])(?<![^\W_][-.])(?<!\d[,:])"
    if code[0].isdigit():
        before = rf"(?:{before}|(?<=\bv))"
    return re.compile(rf"{before}{re.escape(code)}(?![^\W_])(?![-.][^\W_])(?![,:]\d)")
