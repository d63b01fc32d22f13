"""The terms of a query, read in its own language and in others. Pure.

A query's word has one term for each language it is read in, since texts in other languages have other stems of it, and weaker terms:
its spelling without diacritics, the parts of a compound, compounds it is a part of. They are variants of one term: a memory that has
several is scored by the best (memory/search/arms/words/variants.py).

A query loses the function words of its own language, unless it has no others. Where it is too short to tell, it is English.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from memory.analysis.compounds import parts_of, whole_terms
from memory.analysis.folding import APOSTROPHE, normalise, unified, without_accents
from memory.analysis.function_words import function_words, function_words_of
from memory.analysis.languages import language_of
from memory.analysis.segments import HANGUL, UNSPACED, pairs
from memory.analysis.stems import stems
from memory.analysis.words import emoji_in, signs_in, words_in

# what variants count beside the word itself; halving or doubling a weight changed the figures in docs/retrieval.md by at most .01
WITHOUT_ACCENTS, PART, IN_COMPOUND = 0.8, 0.5, 0.6
# the first pair of syllables of a Korean word is mostly its stem, the others endings
FIRST_SYLLABLES, SYLLABLES = 0.8, 0.4
# what terms without spaces count as words of a query: a character beside the pairs that it is in, a pair of Japanese endings or
# particles, a pair of one of them and a word's character
CHARACTER, ENDING, INFLECTED = 0.5, 0.2, 0.5
# of a word
MOST_VARIANTS = 48
_ENGLISH = "en"
_HIRAGANA = re.compile("[\u3041-\u309f]")
_UNSPACED_LANGUAGES = frozenset({"ja", "km", "lo", "my", "th", "zh"})


@dataclass(frozen=True, slots=True)
class QueryTerms:
    """The terms of a query.

    Attributes:
        counts: term to how often the query has it.
        variants: term to all terms it is looked for as, itself included, with their weights; without terms that have no others.
    """

    counts: dict[str, float]
    variants: dict[str, dict[str, float]] = field(default_factory=dict)


def query_terms(text: str, languages: Iterable[str] = ()) -> QueryTerms:
    """Return the terms of a query.

    Args:
        text: the query.
        languages: of the texts to find, beside the query's own and English.
    """
    own = language_of(text)
    folded = normalise(text, own)
    words, terms = words_in(folded, own)
    stops = function_words_of(own or _ENGLISH)
    content = [word for word in words if word not in stops and word.partition(APOSTROPHE)[0] not in stops]
    if UNSPACED.search(folded):
        kept = words_in(_phrases(own).sub(" ", folded), own)[1] if own in _UNSPACED_LANGUAGES else terms
        terms = kept or terms
    if not content and not terms:
        content = words
    if not content and not terms:
        terms = emoji_in(folded) or signs_in(folded)
    read_in = dict.fromkeys((own or _ENGLISH, *languages, _ENGLISH))
    counts: dict[str, float] = {}
    variants: dict[str, dict[str, float]] = {}
    for word, count in Counter(content).items():
        head, each = _variants(word, list(read_in))
        counts[head] = counts.get(head, 0) + count
        if len(each) > 1:
            variants[head] = variants.get(head, {}) | each
    for term, count in Counter(terms).items():
        counts[term] = counts.get(term, 0) + count * (1.0 if len(terms) == 1 else _weight(term))
    return QueryTerms(counts, variants)


def word_terms(word: str, languages: Iterable[str] = ()) -> frozenset[str]:
    """Return the terms that texts in English, in a word's own language or in others have for a word itself."""
    read = query_terms(word, languages)
    strong = {
        term
        for variants in read.variants.values()
        for term, weight in variants.items()
        if weight >= WITHOUT_ACCENTS
    }
    return frozenset(strong.union(read.counts))


def _weight(term: str) -> float:
    """Return what a term of a script without spaces counts."""
    if len(term) == 1:
        return CHARACTER
    hiragana = len(_HIRAGANA.findall(term))
    return (1.0, INFLECTED, ENDING)[min(2, hiragana)]


def _variants(word: str, languages: Sequence[str]) -> tuple[str, dict[str, float]]:
    """Return a word's term in the first of the languages, and all terms it is looked for as, with their weights."""
    found: dict[str, float] = {}
    for language in languages:
        spelled = word if language == _ENGLISH else word.removesuffix("'s")
        stem = unified(stems([spelled], language)[0])
        found[stem] = 1.0
        weaker = {without_accents(stem): WITHOUT_ACCENTS}
        weaker |= dict.fromkeys(whole_terms(spelled, language), IN_COMPOUND)
        weaker |= dict.fromkeys(stems(parts_of(spelled, language), language), PART)
        if HANGUL.fullmatch(spelled):
            first, *others = pairs(spelled)
            weaker |= dict.fromkeys(others, SYLLABLES) | {first: FIRST_SYLLABLES}
        for term, weight in weaker.items():
            found[term] = max(found.get(term, 0.0), weight)
    # the strongest, so that a long word in many languages costs a bounded number of look-ups; sorting keeps the first one first
    strongest = sorted(found.items(), key=lambda each: -each[1])[:MOST_VARIANTS]
    return strongest[0][0], dict(strongest)


@lru_cache(maxsize=8)
def _phrases(language: str) -> re.Pattern[str]:
    """Return what matches the function words, of two characters or more, of a language without spaces."""
    words = sorted(
        (word for word in function_words().get(language, ()) if len(word) > 1), key=len, reverse=True
    )
    return re.compile("|".join(map(re.escape, words)) or r"(?!)")
