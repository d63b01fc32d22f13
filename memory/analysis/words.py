"""Turn text into index terms: tell its language, normalise, find words, stem. Pure.

Words are stemmed in the text's language (memory/analysis/stems.py), in English where it does not show. Beside its stem a word may
have further terms: its spelling without diacritics, pairs of syllables in Korean, what it is found by as a part
(memory/analysis/compounds.py). Scripts without spaces are cut into characters and pairs (memory/analysis/segments.py). Emoji are terms, and
other signs if a text has nothing else.

Writing and removal must agree on the terms, so raise ANALYSER whenever the output of this module or the cut (memory/analysis/passages.py) changes: each organisation's index
is then rebuilt (memory/reindexing.py). Queries are read by memory/analysis/query_terms.py.
"""

import re
from collections import Counter
from collections.abc import Sequence

from memory.analysis.apostrophes import split
from memory.analysis.compounds import COMPOUNDING, part_terms
from memory.analysis.folding import APOSTROPHE, normalise, unified, without_accents
from memory.analysis.languages import ASCII_WORD, MOST, is_english, language_of
from memory.analysis.scripts import MARKS
from memory.analysis.segments import HANGUL, UNSPACED, pairs, singles
from memory.analysis.stems import stems

ANALYSER = "languages-2"
MAX_TERM = 64
_PIECE = rf"[^\W_]+(?:[{MARKS}]+[^\W_]*)*"
_WORD = re.compile(rf"{_PIECE}(?:{APOSTROPHE}{_PIECE})*")
# an apostrophe before letters other than those of English contractions
_NOT_CONTRACTED = re.compile(rf"{APOSTROPHE}(?=[^\W_])(?!(?:s|t|ll|re|ve|m|d)(?![^\W_]|{APOSTROPHE}))")
# c++ and the like
_SIGNED = re.compile(r"(?<![^\W_])[a-z](?:\+\+|#)(?![^\W_])")
# three numbers or more: versions, addresses, dates
_DOTTED = re.compile(r"[0-9]+(?:\.[0-9]+){2,}")
_PICTURES = re.compile(
    "[\U0001f1e6-\U0001f1ff]{2}|[\u203c\u2049\u2122\u2139\u2194-\u21aa\u231a-\u27bf\u2934-\u2b55\u3030\u303d\u3297\u3299"
    "\U0001f004-\U0001f1e5\U0001f200-\U0001f3fa\U0001f400-\U0001faff]"
)


def read_words(text: str) -> tuple[str, Counter[str]]:
    """Return a text's language, as `language_of`, and the frequency of each term; for a short English text at half the cost of both."""
    if len(text) <= MOST and text.isascii():
        folded = text.lower()
        found = ASCII_WORD.findall(folded)
        if is_english(found):
            words, terms = _finished(found, folded, "en")
            return "en", Counter(stems(words, "en") + terms)
    language = language_of(text)
    return language, count_terms(text, language)


def count_terms(text: str, language: str | None = None) -> Counter[str]:
    """Return the frequency of each term in a text; None lets its language be told."""
    return Counter(terms_of(text, language))


def terms_of(text: str, language: str | None = None) -> list[str]:
    """Return a text's terms, with repeats, each of at most 64 characters; None lets its language be told."""
    if language is None:
        language = language_of(text)
    folded = normalise(text, language)
    words, terms = words_in(folded, language)
    stemmed = stems(words, language)
    if folded.isascii():
        terms = stemmed + terms
        if language in COMPOUNDING:
            terms += further_terms(words, stemmed, language)
        return terms or signs_in(folded)
    found = [*map(unified, stemmed), *terms, *further_terms(words, stemmed, language), *emoji_in(folded)]
    return [term[:MAX_TERM] for term in found] or signs_in(folded)


def words_in(folded: str, language: str) -> tuple[list[str], list[str]]:
    """Return the words to stem of a normalised text, and its terms that are not stemmed."""
    if folded.isascii():
        return _finished(ASCII_WORD.findall(folded), folded, language)
    unspaced: list[str] = []
    found = _WORD.findall(folded)
    if UNSPACED.search(folded):
        found = [part for word in found for part in _spaced_parts(word, unspaced)]
    words, terms = _finished(found, folded, language)
    return words, terms + unspaced


def _finished(found: list[str], folded: str, language: str) -> tuple[list[str], list[str]]:
    """Return words apart from their apostrophes and not too long, and the terms with other signs."""
    if APOSTROPHE in folded:
        found = [
            part for word in found for part in (split(word, language) if APOSTROPHE in word else (word,))
        ]
    if len(folded) > MAX_TERM and max(map(len, found), default=0) > MAX_TERM:
        found = [word[:MAX_TERM] for word in found]
    terms = [each[:MAX_TERM] for each in _DOTTED.findall(folded)] if "." in folded else []
    if "+" in folded or "#" in folded:
        terms += _SIGNED.findall(folded)
    return found, terms


def further_terms(words: Sequence[str], stemmed: Sequence[str], language: str) -> list[str]:
    """Return the terms that words have beside their stems."""
    terms: list[str] = []
    for word, stem in zip(words, stemmed, strict=True):
        if not word.isascii():
            plain = without_accents(stem)
            if plain != stem:
                terms.append(plain)
            elif HANGUL.fullmatch(word):
                terms += pairs(word)
        terms += part_terms(word, language)
    return terms


def emoji_in(folded: str) -> list[str]:
    """Return the emoji of a normalised text; skin tones are ignored."""
    return _PICTURES.findall(folded)


def signs_in(folded: str) -> list[str]:
    """Return the runs of signs that a normalised text without words is found by."""
    return [run[:MAX_TERM] for run in folded.split()]


def _spaced_parts(word: str, terms: list[str]) -> list[str]:
    """Return a word's parts in scripts with spaces; add the terms of the others."""
    for run in UNSPACED.findall(word):
        terms += pairs(run)
        terms += singles(run)
    return [part for part in UNSPACED.split(word) if part]
