"""When two texts are the same value, however they are written. Pure.

A value has up to three normal forms; two texts are the same value if they share one:

- *folded*: NFKC, invisible characters out, white space to single blanks, case folded. The same letters;
- *looks*: the same, and every character is its prototype among look-alikes (UTS #39) before case is folded, so that a
  Cyrillic capital En, which looks like H and folds to another letter, is an H;
- *looks in capitals*: the same from the text in capitals, for letters that are look-alikes only there.

Two departures from the UTS #39 skeleton, which is made for identifiers of some letters: `m` is not taken apart into `rn`
(modern and modem are two words), and characters of ASCII stand for each other only where one can't tell them apart in
most fonts (I, l, 1, | and O, 0), which is what the data say too.

Source: Unicode Technical Standard #39, section 4; its data, version 13.0.0, in confusables.txt beside this file.
"""

import re
import unicodedata
from functools import lru_cache
from pathlib import Path

from memory.analysis.marks import bare

_DATA = Path(__file__).with_name("confusables.txt")
# What shows nothing and takes no room: format and control characters, variation selectors, tags (Default_Ignorable of the
# Unicode character database, without the few Arabic signs that do show, with the Khitan filler)
_INVISIBLES = (
    "\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\xad\u034f\u061c\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\ufe00-\ufe0f\ufeff\ufff0-\ufffb\U00016fe4\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_INVISIBLE = re.compile(f"[{_INVISIBLES}]")
# What shows nothing and takes room is a blank, though Unicode calls it a letter or a symbol
_FILLING = "\u115f\u1160\u2800\u3164\uffa0\U0001d159"
_FILLERS = str.maketrans(dict.fromkeys(_FILLING, " "))
_SHOWS = re.compile(rf"[^\s{_INVISIBLES}{_FILLING}]")
_BLANKS = re.compile(r"\s+")
_ASCII_LOOKS = str.maketrans({"I": "l", "1": "l", "|": "l", "0": "O"})


def is_blank(text: str) -> bool:
    """Return whether a text shows nothing: it is empty, or white space and invisible characters only."""
    return _SHOWS.search(text) is None


def shown(text: str) -> str:
    """Return what of a text shows: without characters that show nothing, and with blanks for letters that look like one."""
    return _visible(text.translate(_FILLERS))


def forms(text: str) -> tuple[str, ...]:
    """Return the normal forms of a text, the folded one first, each once; none for a text that shows nothing."""
    if text.isascii():
        plain = _blanks(_INVISIBLE.sub("", text))
        found = [plain.lower(), plain.translate(_ASCII_LOOKS).lower()]
    else:
        plain = _blanks(_visible(unicodedata.normalize("NFKC", text.translate(_FILLERS))))
        capitals = _visible(unicodedata.normalize("NFKC", plain.upper()))
        found = [_fold(plain), _looks(plain.translate(_ASCII_LOOKS)), _looks(capitals)]
    return tuple(dict.fromkeys(form for form in found if form))


def cores(text: str) -> tuple[str, ...]:
    """Return the normal forms of a text without the marks round it (memory/analysis/marks.py); its own where it has none."""
    plain = _blanks(_visible(unicodedata.normalize("NFKC", text.translate(_FILLERS))))
    return forms(bare(plain))


def _fold(text: str) -> str:
    # case folding undoes composition here and there (Unicode, section 3.13: toNFKC_Casefold)
    return _blanks(_visible(unicodedata.normalize("NFKC", text.casefold())))


def _looks(text: str) -> str:
    return _fold(unicodedata.normalize("NFD", text).translate(_prototypes()))


def _blanks(text: str) -> str:
    return _BLANKS.sub(" ", text).strip()


def _visible(text: str) -> str:
    return _INVISIBLE.sub("", text)


@lru_cache(maxsize=1)
def _prototypes() -> dict[int, str]:
    """Return non-ASCII characters' prototypes: of a capital that looks like I the letter I, not its prototype l."""
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
