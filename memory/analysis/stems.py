"""Stem words with Snowball, through PyStemmer. Pure."""

import threading
from collections.abc import Sequence

import Stemmer

# by language; some have a close relative's
ALGORITHMS = {
    "ar": "arabic", "be": "russian", "bg": "russian", "ca": "catalan", "cs": "czech", "da": "danish", "de": "german", "el": "greek", "en": "english",
    "eo": "esperanto", "es": "spanish", "et": "estonian", "eu": "basque", "fa": "persian", "fi": "finnish", "fr": "french",
    "ga": "irish", "hi": "hindi", "hr": "serbian", "hu": "hungarian", "hy": "armenian", "id": "indonesian", "it": "italian",
    "lt": "lithuanian", "ne": "nepali", "mk": "russian", "nl": "dutch", "no": "norwegian", "pl": "polish", "pt": "portuguese", "ro": "romanian",
    "ru": "russian", "sk": "czech", "sr": "serbian", "st": "sesotho", "sv": "swedish", "ta": "tamil", "tr": "turkish",
    "uk": "russian", "yi": "yiddish",
    # texts whose language does not show
    "": "english",
}  # fmt: skip
_local = threading.local()


def stems(words: Sequence[str], language: str) -> list[str]:
    """Return the stems of words; the words themselves in a language without a stemmer."""
    algorithm = ALGORITHMS.get(language)
    if algorithm is None:
        return list(words)
    found: list[str] = _stemmer(algorithm).stemWords(words)
    return found


def _stemmer(algorithm: str) -> Stemmer.Stemmer:
    # a Stemmer keeps state and is not safe to share between threads
    stemmer = getattr(_local, algorithm, None)
    if stemmer is None:
        stemmer = Stemmer.Stemmer(algorithm)
        setattr(_local, algorithm, stemmer)
    return stemmer
