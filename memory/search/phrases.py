"""Find phrases in texts: their words, adjacent and in order, whatever their case and inflection. Pure."""

import re
import unicodedata
from functools import lru_cache

from memory.analysis.query_terms import word_terms

# letters, figures and the marks that combine with them
_WORD = re.compile(
    r"(?:[^\W_][\u0300-\u036f\u0591-\u05c7\u0610-\u065f\u0670\u0900-\u0903\u093a-\u094f\u0e31\u0e34-\u0e4e]*)+"
)
# scripts written without spaces between words
_UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")
_SIGNS = re.compile(r"[\W_]+")


def words_in(text: str) -> list[str]:
    """Return a text's words in order, folded."""
    return _WORD.findall(_folded(text))


def is_unspaced(text: str) -> bool:
    """Return whether a text has characters of a script written without spaces."""
    return _UNSPACED.search(text) is not None


def contains(text: str, phrase: str, languages: tuple[str, ...] = ()) -> bool:
    """Return whether a text contains a phrase; one without letters and figures is contained in every text.

    Args:
        text: the text.
        phrase: the phrase.
        languages: that the text may be in, beside English, by which inflected words are the same.
    """
    if is_unspaced(phrase):
        return _SIGNS.sub("", _folded(phrase)) in _SIGNS.sub("", _folded(text))
    wanted, words = words_in(phrase), words_in(text)
    length = len(wanted)
    return any(
        all(
            _is_same(word, other, languages)
            for word, other in zip(words[start : start + length], wanted, strict=True)
        )
        for start in range(len(words) - length + 1)
    )


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


def _is_same(word: str, wanted: str, languages: tuple[str, ...]) -> bool:
    return word == wanted or not terms_of_word(word, languages).isdisjoint(terms_of_word(wanted, languages))


@lru_cache(maxsize=20_000)
def terms_of_word(word: str, languages: tuple[str, ...] = ()) -> frozenset[str]:
    """Return the index terms of a single word, in English, its own language and others."""
    return word_terms(word, languages)
