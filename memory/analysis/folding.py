"""Bring texts and terms into one spelling. Pure.

`normalise` comes before words are found and stemmed: compatibility forms and composition (NFKC), full case folding, digits of all
scripts as ASCII digits, one apostrophe, and nothing invisible. `unified` comes after the stemmer, which wants the letters that it
makes one: Arabic, Persian and Urdu variants of a letter, vowel points, the dotless i. `without_accents` gives the spelling without
diacritics, which is a term of its own, so that the right spelling counts more.
"""

import re
import unicodedata

APOSTROPHE = "'"
# typographic, reversed and modifier ones, the acute, the Armenian, the saltillo, full width, the Hebrew geresh
_APOSTROPHES = "\u2018\u2019\u201b\u02bc\u02bb\u00b4\u055a\ua78c\uff07\u05f3"
# soft hyphen, zero-width characters, bidirectional marks, byte order mark, tatweel, gershayim, the Hebrew and Arabic points,
# the Devanagari nukta, and variation selectors
_IGNORED = re.compile(
    "[\u00ad\u034f\u061c\u180b-\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufe00-\ufe0f\ufeff\U000e0100-\U000e01ef"
    "\u0640\u05f4\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e8\u06ea-\u06ed\u093c]"
)
_DIGITS = {
    code: str(unicodedata.digit(chr(code)))
    for code in range(0x80, 0x1FBFA)
    if unicodedata.category(chr(code)) == "Nd"
}
_SPELLINGS = str.maketrans(
    dict.fromkeys(_APOSTROPHES, APOSTROPHE)
    | {chr(code): digit for code, digit in _DIGITS.items()}
    # io, Devanagari candrabindu
    | {"\u0451": "\u0435", "\u0401": "\u0415", "\u0901": "\u0902"}
)
_DOTTED_I = "i\u0307"
# alefs, hamzas on a carrier, teh marbuta, yehs, kafs, hehs
_UNIFIED = str.maketrans(
    {
        "\u0622": "\u0627", "\u0623": "\u0627", "\u0625": "\u0627", "\u0671": "\u0627", "\u0624": "\u0648", "\u0626": "\u064a",
        "\u0629": "\u0647", "\u0649": "\u064a", "\u06cc": "\u064a", "\u06d2": "\u064a", "\u06a9": "\u0643", "\u06c1": "\u0647",
        "\u06be": "\u0647", "\u06c3": "\u0647", "\u06c0": "\u0647", "\u0621": None, "\u0131": "i",
    }
)  # fmt: skip
_POINTS = re.compile("[\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7]")
# letters that are no letter with a mark, so that decomposing leaves them
_PLAIN = str.maketrans(
    {"\u00f8": "o", "\u0142": "l", "\u0111": "d", "\u00f0": "d", "\u00fe": "th", "\u00e6": "ae", "\u0153": "oe", "\u0127": "h",
     "\u0149": "n", "\u014b": "n", "\u0167": "t"}
)  # fmt: skip
_LATIN_OR_GREEK = re.compile("[\u00c0-\u03ff\u1e00-\u1fff]")


def normalise(text: str, language: str) -> str:
    """Return a text in the spelling that its words are found and stemmed in."""
    if text.isascii():
        return text.replace("I", "\u0131").lower() if language == "tr" else text.lower()
    text = _IGNORED.sub("", unicodedata.normalize("NFKC", text.translate(_SPELLINGS)))
    if language == "tr":
        text = text.replace("I", "\u0131")
    # case folding can undo composition (Unicode, section 3.13)
    return unicodedata.normalize("NFC", text.casefold().replace(_DOTTED_I, "i"))


def unified(term: str) -> str:
    """Return a term with one letter for the variants of a letter."""
    return term if term.isascii() else _POINTS.sub("", term).translate(_UNIFIED) or term


def without_accents(term: str) -> str:
    """Return a Latin or Greek term without diacritics; others as they are."""
    if term.isascii() or not _LATIN_OR_GREEK.search(term):
        return term
    plain = "".join(each for each in unicodedata.normalize("NFD", term) if unicodedata.category(each) != "Mn")
    return plain.translate(_PLAIN)
