"""Function words by language: they say how a sentence is built rather than what it is about. Pure.

They tell the language of a text (memory/analysis/languages.py), and are dropped from queries that have other words
(memory/analysis/query_terms.py). English is in memory/analysis/stopwords.py, the others in function_words.txt.
"""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from memory.analysis.stopwords import FUNCTION_WORDS as ENGLISH

_DATA = Path(__file__).with_name("function_words.txt")
# the most frequent first
_ENGLISH = tuple(
    """
    the of and to in a is that for it was on with as be at by this are from or have not but had which were you he they we his
    her an their there been has will if can its our what who when where how would s t
    """.split()  # noqa: SIM905  a list of words reads as one
)


@lru_cache(maxsize=1)
def function_words() -> Mapping[str, tuple[str, ...]]:
    """Return the function words of each language, ISO 639-1, the most frequent first."""
    found = {"en": (*_ENGLISH, *sorted(ENGLISH.difference(_ENGLISH)))}
    for line in _DATA.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            language, *words = line.split()
            found[language] = tuple(dict.fromkeys(words))
    return found


@lru_cache(maxsize=128)
def function_words_of(language: str) -> frozenset[str]:
    """Return the function words of a language; none if it is not known."""
    return ENGLISH if language == "en" else frozenset(function_words().get(language, ()))
