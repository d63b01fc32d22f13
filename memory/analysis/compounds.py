"""Words that hide others: compounds, and Arabic plurals. Both are found without a dictionary, by weaker terms. Pure.

A long word of a language that writes compounds as one is indexed, beside its stem, with the beginnings of what may be its parts: five
letters from its start and from each later consonant before a vowel. "Umsatzsteuererhöhung" has among others `_umsat`, `_steue` and
`_hohun`, and a query for "Steuer" looks for `_steue`. A long word in a query is also looked for as its
possible parts.

An Arabic word is indexed with its strong consonants, which a broken plural shares with its singular. Together these are two postings a
word in German and in Arabic, where stems alone are one; other languages have none (docs/retrieval.md).
"""

import re
from itertools import combinations

from memory.analysis.folding import without_accents

WEAK = "_"  # begins terms that no word has
COMPOUNDING = frozenset({"da", "de", "et", "fi", "hu", "is", "nl", "no", "sv"})
LONG, PART, SHORTEST = 8, 5, 4
MOST_PARTS = 40
_VOWELS = "aeiouy"
_SYLLABLE = re.compile(
    "(?="
    "(?:s[chklptw]?[hlrw]?|b[lr]?|c[hlr]?|d[r]?|f[lr]?|g[lnr]?|k[lnrw]?|p[flr]?|t[rw]?|z[w]?|[hjlmnqrvwx])"
    f"[{_VOWELS}])"
)
_ARABIC_PREFIX = re.compile("[\u0648\u0641]?(?:[\u0628\u0643]?\u0627\u0644|\u0644\u0644)?")
_ARABIC_SUFFIX = re.compile(
    "(?:\u0647\u0645\u0627|\u0647\u0645|\u0647\u0627|\u0627\u062a|\u0648\u0646|\u064a\u0646|\u0627\u0646|\u0647|\u0629)$"
)
_ARABIC_VOWELS = re.compile("[\u0621-\u0627\u0629\u0648-\u064a]")


def part_terms(word: str, language: str) -> list[str]:
    """Return the weaker terms that a word is indexed with."""
    if language == "ar":
        return _skeleton(word)
    if language not in COMPOUNDING or len(word) < LONG:
        return []
    word = without_accents(word)
    begins = [word[:SHORTEST], word[:PART], *(word[at : at + PART] for at in _part_starts(word))]
    return [WEAK + each for each in dict.fromkeys(begins)]


def whole_terms(word: str, language: str) -> list[str]:
    """Return the weaker terms by which a query's word is found as a part of others."""
    if language == "ar":
        return _skeleton(word)
    if language not in COMPOUNDING or len(word) < SHORTEST:
        return []
    word = without_accents(word)
    begins = [word[:PART]]
    if word[0] in _VOWELS:
        # within a compound it is found from its first consonant before a vowel
        later = _SYLLABLE.search(word, 1)
        if later and len(word) - later.start() >= SHORTEST:
            begins.append(word[later.start() :][:PART])
    return [WEAK + each for each in begins]


def parts_of(word: str, language: str) -> list[str]:
    """Return what may be parts of a query's long word, to be stemmed; at most 40."""
    if language not in COMPOUNDING or len(word) < LONG:
        return []
    word = without_accents(word)
    starts = _part_starts(word)
    parts: list[str] = []
    for at in starts:
        first = word[:at]
        # a linking s or n may belong to neither part
        parts += [word[at:], first, first.removesuffix("s"), first.removesuffix("n")]
    parts += [word[start:end] for start, end in combinations(starts, 2)]
    return [part for part in dict.fromkeys(parts) if len(part) >= SHORTEST][:MOST_PARTS]


def _part_starts(word: str) -> list[int]:
    return [match.start() for match in _SYLLABLE.finditer(word) if 3 <= match.start() <= len(word) - SHORTEST]


def _skeleton(word: str) -> list[str]:
    """Return the strong consonants of an Arabic word, if there are two or more."""
    prefix = _ARABIC_PREFIX.match(word)
    bare = word[prefix.end() :] if prefix else word
    bare = bare if len(bare) > 2 else word
    rest = _ARABIC_SUFFIX.sub("", bare)
    strong = _ARABIC_VOWELS.sub("", rest if len(rest) > 2 else bare)
    return [WEAK + strong] if len(strong) > 1 else []
