"""What texts are about, by counting. Pure."""

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Sequence
from math import log

from liftos.kernel.precedence import giving_way
from memory.analysis.stopwords import FUNCTION_WORDS
from memory.analysis.words import terms_of

_WORD = re.compile(r"[^\W\d_]{3,}")
LOOKED_AT = 2_000  # characters of each text


def dominant_concepts(texts: Sequence[str], most: int) -> list[str]:
    """Return the words that texts are most about, strongest first.

    Words are taken together by stem and shown in their most frequent form. A stem weighs df * ln(1 + N / df), df being in how
    many of the N texts it stands: what is in many of them, less so what is in all. Function words and words of fewer than
    three letters are left out; ties go by the alphabet.

    Args:
        texts: of memories; the first 2,000 characters of each are looked at.
        most: how many concepts.
    """
    found: Counter[str] = Counter()
    shown: dict[str, Counter[str]] = defaultdict(Counter)
    for text in giving_way(texts):
        words = Counter(_words(text))
        stems = {stem for word in words if (stem := _stem(word))}
        found.update(stems)
        for word, count in words.items():
            shown[_stem(word)][word] += count
    weight = {stem: df * log(1 + len(texts) / df) for stem, df in found.items()}
    strongest = sorted(weight, key=lambda stem: (-weight[stem], stem))[:most]
    return [min(shown[stem], key=lambda word: (-shown[stem][word], word)) for stem in strongest]


def _words(text: str) -> list[str]:
    folded = unicodedata.normalize("NFKC", text[:LOOKED_AT]).lower()
    return [word for word in _WORD.findall(folded) if word not in FUNCTION_WORDS]


def _stem(word: str) -> str:
    return next(iter(terms_of(word)), "")
