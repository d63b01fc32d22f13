"""Dominant concepts of texts, by word counts. Pure."""

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Sequence
from math import log

from liftos.kernel.precedence import giving_way
from memory.analysis.stopwords import FUNCTION_WORDS
from memory.analysis.words import terms_of

_WORD = re.compile(r"[^\W\d_]{3,}")
MAX_CHARACTERS = 2_000  # per text


def dominant_concepts(texts: Sequence[str], limit: int) -> list[str]:
    """Return the dominant words of texts, highest weight first.

    Words are grouped by stem and shown in their most frequent form. A stem weighs df * ln(1 + N / df), where df of the N texts
    contain it. Function words and words under three letters are ignored; ties are in alphabetical order.

    Args:
        texts: only the first 2,000 characters of each count.
        limit: how many words to return.
    """
    frequency: Counter[str] = Counter()
    shown: dict[str, Counter[str]] = defaultdict(Counter)
    for text in giving_way(texts):
        words = Counter(_words(text))
        stems = {stem for word in words if (stem := _stem(word))}
        frequency.update(stems)
        for word, count in words.items():
            shown[_stem(word)][word] += count
    weight = {stem: df * log(1 + len(texts) / df) for stem, df in frequency.items()}
    strongest = sorted(weight, key=lambda stem: (-weight[stem], stem))[:limit]
    return [min(shown[stem], key=lambda word: (-shown[stem][word], word)) for stem in strongest]


def _words(text: str) -> list[str]:
    folded = unicodedata.normalize("NFKC", text[:MAX_CHARACTERS]).lower()
    return [word for word in _WORD.findall(folded) if word not in FUNCTION_WORDS]


def _stem(word: str) -> str:
    return next(iter(terms_of(word)), "")
