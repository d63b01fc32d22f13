"""Turn text into index terms: normalise, tokenise, stem. Pure.

Source: Snowball English ("Porter2") through PyStemmer. Writing, searching and removal must agree on the terms, so change
ANALYSER whenever the output of this module changes.
"""

import re
import threading
import unicodedata
from collections import Counter

import Stemmer

from memory.analysis.stopwords import FUNCTION_WORDS

ANALYSER = "english-1"
MAX_TERM = 64
APOSTROPHE = "\u2019"  # the typographic one
_WORD = re.compile(rf"[^\W_]+(?:['{APOSTROPHE}][^\W_]+)*")
# scripts written without spaces: CJK ideographs and kana (Hangul is spaced)
_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]+")
_local = threading.local()


def terms_of(text: str) -> list[str]:
    """Return a text's terms, with repeats.

    Words are NFKC-folded, lower-cased and stemmed; runs of Chinese and Japanese characters become overlapping
    pairs. Terms are cut at 64 characters.
    """
    folded = unicodedata.normalize("NFKC", text).lower()
    terms: list[str] = []
    plain: list[str] = []
    for word in _WORD.findall(folded):
        if word.isascii() or not _UNSPACED.search(word):
            plain.append(word[:MAX_TERM].replace(APOSTROPHE, "'"))
        else:
            terms.extend(_pairs(word))
    return terms + _stemmer().stemWords(plain)


def query_terms(text: str) -> Counter[str]:
    """Return a query's terms with their counts, without function words unless it has no others."""
    folded = unicodedata.normalize("NFKC", text).lower()
    content_words = [word for word in _WORD.findall(folded) if _stripped(word) not in FUNCTION_WORDS]
    return count_terms(" ".join(content_words)) or count_terms(text)


def _stripped(word: str) -> str:
    """Return a word without a contraction: "what" for "what's"."""
    return word.replace(APOSTROPHE, "'").partition("'")[0]


def count_terms(text: str) -> Counter[str]:
    """Return the frequency of each term in a text."""
    return Counter(terms_of(text))


def _pairs(word: str) -> list[str]:
    parts: list[str] = []
    for run in _UNSPACED.findall(word):
        parts.extend(run[i : i + 2] for i in range(max(1, len(run) - 1)))
    parts.extend(rest[:MAX_TERM] for rest in _UNSPACED.split(word) if rest)
    return parts


def _stemmer() -> Stemmer.Stemmer:
    # a Stemmer keeps state and is not safe to share between threads
    stemmer = getattr(_local, "stemmer", None)
    if stemmer is None:
        stemmer = _local.stemmer = Stemmer.Stemmer("english")
    return stemmer
