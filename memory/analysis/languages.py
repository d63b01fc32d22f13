"""The language of a text. Pure, and the same in every process.

Most scripts belong to one language. Latin, Cyrillic, Arabic and Devanagari texts are told by the function words that only
one language has, if two or more nearly agree, and otherwise by py3langid (naive Bayes over byte n-grams), if it is sure enough.
A text whose language does not show has none: it is analysed like English.

Why this library, and what it costs: docs/decisions/0030-languages.md.
"""

import re
from functools import lru_cache

from py3langid.langid import MODEL_FILE, LanguageIdentifier

from memory.analysis.function_words import function_words
from memory.analysis.scripts import MARKS, main_script

# what the beginning of a text says is enough
MOST = 400
# the model's probability below which a text has no language
SURE = 0.4
# how many times more function words must speak for a language than for all others
CLEAR = 3

_BY_SCRIPT = {
    "armenian": "hy",
    "bengali": "bn",
    "ethiopic": "am",
    "georgian": "ka",
    "greek": "el",
    "gujarati": "gu",
    "gurmukhi": "pa",
    "han": "zh",
    "hangul": "ko",
    "kana": "ja",
    "kannada": "kn",
    "khmer": "km",
    "lao": "lo",
    "malayalam": "ml",
    "myanmar": "my",
    "oriya": "or",
    "sinhala": "si",
    "tamil": "ta",
    "telugu": "te",
    "thaana": "dv",
    "thai": "th",
    "tibetan": "bo",
}
# the languages of other scripts; a text of theirs that does not show its language has the first
_SHARED = {
    "arabic": ("ar", "fa", "ur"),
    "cyrillic": ("ru", "be", "bg", "kk", "mk", "sr", "uk"),
    "devanagari": ("hi", "mr", "ne"),
    "hebrew": ("he", "yi"),
}
# with apostrophes within words, as English writes them
ASCII_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")
_WORD = re.compile(r"[^\W\d_]+")
_MARKED_WORD = re.compile(rf"[^\W\d_]+(?:[{MARKS}]+[^\W\d_]*)*")


def language_of(text: str) -> str:
    """Return the language of a text, ISO 639-1; "" if it does not show, as in a name or a code."""
    text = text[:MOST]
    script = main_script(text)
    told = _BY_SCRIPT.get(script)
    if told is not None:
        return told
    lowered = text.lower()
    if lowered.isascii():
        if is_english(ASCII_WORD.findall(lowered)):
            return "en"
        words = _WORD.findall(lowered)
    else:
        words = _MARKED_WORD.findall(lowered)
        if script == "latin" and is_english(words):
            return "en"
    telling = _telling(script)
    found = [telling[word] for word in telling.keys() & words]
    if len(found) > 1:
        language = max(set(found), key=lambda each: (found.count(each), each))
        if found.count(language) >= max(2, CLEAR * (len(found) - found.count(language))):
            return language
    language, probability = _identifier().classify(text)
    if probability >= SURE and language in _languages(script):
        return language
    return _SHARED[script][0] if script in _SHARED else ""


def is_english(words: list[str]) -> bool:
    """Return whether the lower-case words of a text in Latin letters show that it is English; if not, it may be all the same.

    Most texts are, and two set operations tell it.
    """
    english, others, frequent = _english_and_others()
    found = english.intersection(words)
    against = len(others.intersection(words))
    if len(found) > 1:
        return len(found) >= CLEAR * against
    return not against and not found.isdisjoint(frequent)


@lru_cache(maxsize=8)
def _languages(script: str) -> tuple[str, ...]:
    """Return the languages that a script may have."""
    elsewhere = {*_BY_SCRIPT.values(), *(name for names in _SHARED.values() for name in names)}
    return _SHARED.get(script) or tuple(name for name in function_words() if name not in elsewhere)


@lru_cache(maxsize=8)
def _telling(script: str) -> dict[str, str]:
    """Return the function words that only one language of a script has, with the language."""
    found: dict[str, set[str]] = {}
    for language in _languages(script):
        for word in function_words()[language]:
            found.setdefault(word, set()).add(language)
    return {word: next(iter(names)) for word, names in found.items() if len(names) == 1}


@lru_cache(maxsize=1)
def _english_and_others() -> tuple[frozenset[str], frozenset[str], frozenset[str]]:
    """Return the telling words of English, those of the other languages in Latin letters, and English ones that suffice alone."""
    telling = _telling("latin")
    english = frozenset(word for word, language in telling.items() if language == "en")
    contracted = {
        f"{word}'{end}"
        for word in ("i", "you", "we", "they", "it", "that")
        for end in ("m", "s", "re", "ve", "ll", "d")
    }
    contracted |= {
        f"{word}n't"
        for word in ("do", "does", "did", "is", "are", "was", "have", "has", "would", "could", "ca", "wo")
    }
    return (
        english | contracted,
        frozenset(telling) - english,
        english.intersection(function_words()["en"][:24]) | contracted,
    )


@lru_cache(maxsize=1)
def _identifier() -> LanguageIdentifier:
    """Return the model, limited to the languages that share a script."""
    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    wanted = {name for script in ("latin", *_SHARED) for name in _languages(script)}
    identifier.set_languages(sorted(wanted.intersection(identifier.labels)))
    return identifier
