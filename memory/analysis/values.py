"""Normal forms of texts, by which differently written values are recognised as equal. Pure.

A text has up to three normal forms; two texts are the same value if they share one:

- *folded*: NFKC, invisible characters removed, white space collapsed, case folded;
- *looks*: as folded, but each character is replaced by its look-alike prototype (UTS #39) before case folding: Cyrillic
  capital En looks like H yet folds to another letter, so it must become H first;
- *looks in capitals*: as looks, from the upper-cased text, for letters that look alike only as capitals.

Two departures from the UTS #39 skeleton, which is meant for short identifiers: `m` does not become `rn` (modern and modem are
different words), and ASCII characters are equated only where most fonts show them alike (I, l, 1, | and O, 0), as in the data.

Source: Unicode Technical Standard #39, section 4; data version 13.0.0 in confusables.txt.
"""

import re
import unicodedata
from functools import lru_cache
from pathlib import Path

from memory.analysis.marks import strip_marks

_DATA = Path(__file__).with_name("confusables.txt")
# Zero-width: format and control characters, variation selectors, tags (Unicode's Default_Ignorable, without the few Arabic
# signs that are visible, plus the Khitan filler)
_INVISIBLES = (
    "\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\xad\u034f\u061c\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\ufe00-\ufe0f\ufeff\ufff0-\ufffb\U00016fe4\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_INVISIBLE = re.compile(f"[{_INVISIBLES}]")
# Rendered as a blank, though classified by Unicode as a letter or symbol
_FILLING = "\u115f\u1160\u2800\u3164\uffa0\U0001d159"
_FILLERS = str.maketrans(dict.fromkeys(_FILLING, " "))
_SHOWS = re.compile(rf"[^\s{_INVISIBLES}{_FILLING}]")
_BLANKS = re.compile(r"\s+")
_ASCII_LOOKS = str.maketrans({"I": "l", "1": "l", "|": "l", "0": "O"})


def is_blank(text: str) -> bool:
    """Return whether a text is empty or consists of white space and invisible characters."""
    return _SHOWS.search(text) is None


def visible_text(text: str) -> str:
    """Return a text without invisible characters, and with spaces for letters rendered as blanks."""
    return _visible(text.translate(_FILLERS))


def normal_forms(text: str) -> tuple[str, ...]:
    """Return the distinct normal forms of a text, the folded one first; () for a blank text."""
    if text.isascii():
        plain = _blanks(_INVISIBLE.sub("", text))
        found = [plain.lower(), plain.translate(_ASCII_LOOKS).lower()]
    else:
        plain = _blanks(_visible(unicodedata.normalize("NFKC", text.translate(_FILLERS))))
        capitals = _visible(unicodedata.normalize("NFKC", plain.upper()))
        found = [_fold(plain), _looks(plain.translate(_ASCII_LOOKS)), _looks(capitals)]
    return tuple(dict.fromkeys(form for form in found if form))


def unmarked_forms(text: str) -> tuple[str, ...]:
    """Return the normal forms of a text stripped of surrounding marks (memory/analysis/marks.py)."""
    plain = _blanks(_visible(unicodedata.normalize("NFKC", text.translate(_FILLERS))))
    return normal_forms(strip_marks(plain))


def _fold(text: str) -> str:
    # case folding can undo composition (Unicode, section 3.13: toNFKC_Casefold)
    return _blanks(_visible(unicodedata.normalize("NFKC", text.casefold())))


def _looks(text: str) -> str:
    return _fold(unicodedata.normalize("NFD", text).translate(_prototypes()))


def _blanks(text: str) -> str:
    return _BLANKS.sub(" ", text).strip()


def _visible(text: str) -> str:
    return _INVISIBLE.sub("", text)


@lru_cache(maxsize=1)
def _prototypes() -> dict[int, str]:
    """Return the prototypes of non-ASCII characters; a capital that looks like I maps to I rather than to UTS #39's l."""
    table: dict[int, str] = {}
    for line in _DATA.read_text(encoding="ascii").splitlines():
        if line.startswith("#"):
            continue
        prototype, sources = (
            "".join(chr(int(code, 16)) for code in part.split()) for part in line.split("\t")
        )
        for source in sources:
            if not source.isascii():
                capital = prototype == "l" and unicodedata.category(source) == "Lu"
                table[ord(source)] = "I" if capital else prototype
    return table
