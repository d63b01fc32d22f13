"""Dominant concepts of texts, by word counts. Pure."""

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Sequence
from math import log

from liftos.kernel.precedence import giving_way
from memory.analysis.function_words import function_words_of
from memory.analysis.languages import language_of
from memory.analysis.scripts import MARKS
from memory.analysis.words import terms_of

_WORD = re.compile(rf"(?:[^\W\d_][{MARKS}]*){{3,}}")
MAX_CHARACTERS = 2_000  # per text


def dominant_concepts(texts: Sequence[str], limit: int) -> list[str]:
    """Return the dominant words of texts, highest weight first.

    Words are grouped by stem, in their text's language, and shown in their most frequent form. A stem weighs df * ln(1 + N / df), where df of the N texts
    contain it. Function words and words under three letters are ignored; ties are in alphabetical order.

    Args:
        texts: only the first 2,000 characters of each count.
        limit: how many words to return.
    """
    frequency: Counter[str] = Counter()
    shown: dict[str, Counter[str]] = defaultdict(Counter)
    for text in giving_way(texts):
        language = language_of(text)
        words = Counter(_words(text, language))
        stems = {word: _stem(word, language) for word in words}
        frequency.update({stem for stem in stems.values() if stem})
        for word, count in words.items():
            shown[stems[word]][word] += count
    weight = {stem: df * log(1 + len(texts) / df) for stem, df in frequency.items()}
    strongest = sorted(weight, key=lambda stem: (-weight[stem], stem))[:limit]
    return [min(shown[stem], key=lambda word: (-shown[stem][word], word)) for stem in strongest]


def _words(text: str, language: str) -> list[str]:
    folded = unicodedata.normalize("NFKC", text[:MAX_CHARACTERS]).lower()
    stops = function_words_of(language or "en")
    return [word for word in _WORD.findall(folded) if word not in stops]


def _stem(word: str, language: str) -> str:
    return next(iter(terms_of(word, language)), "")
