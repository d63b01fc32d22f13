"""The dimensions that a query mentions: "cheap but premium feel" names price, low, and quality, high. Pure NumPy.

A query is read clause by clause ("wide reach but low engagement"). A clause mentions a dimension by words (those in the texts of
only one pole; or the dimension's name with a word such as "low" or "strong") or, if no word does, by meaning: by the similarity of
its embedding to those of the pole texts.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from liftos.kernel.embedding.types import PLAIN
from memory.analysis.stopwords import FUNCTION_WORDS
from memory.analysis.words import terms_of
from spaces.types import Array

_PARTS = re.compile(
    r"[,;:.!?()/]|\b(?:but|and|yet|with|though|although|however|while|despite|or|plus)\b|\b(?=without\b)"
)
_NEGATIONS = frozenset({
    "not", "no", "never", "without", "non", "isn't", "aren't", "doesn't", "don't", "hardly", "lack", "neither", "nor",
})  # fmt: skip
_LOW = frozenset({
    "low", "lower", "lowest", "little", "small", "smaller", "few", "fewer", "weak", "poor", "less", "least", "narrow", "minor",
    "limited", "minimal", "bad", "short", "tiny", "slight",
})  # fmt: skip
_HIGH = frozenset({
    "high", "higher", "highest", "much", "large", "larger", "big", "bigger", "strong", "stronger", "many", "more", "most", "great",
    "wide", "wider", "broad", "good", "huge", "major", "heavy", "very", "top", "massive", "deep", "long",
})  # fmt: skip
# the least difference of a clause's cosines to both poles, as a share of what is left above the model's `Profile.similar`
MARGIN = 0.055
MAX_CLAUSES = 6
# longer clauses are matched by words only
MAX_CLAUSE_WORDS = 8


@dataclass(frozen=True, slots=True)
class Mention:
    """A dimension that a query mentions.

    Attributes:
        dimension: its index in the space.
        is_high: towards the high pole.
        by: the words that mention it, or the clause whose meaning does.
    """

    dimension: int
    is_high: bool
    by: str


@dataclass(frozen=True)
class DimensionTexts:
    """The name and pole texts of a dimension.

    Attributes:
        name: of the dimension.
        low: texts of its low pole.
        high: of its high pole.
    """

    name: str
    low: tuple[str, ...]
    high: tuple[str, ...]

    @cached_property
    def words(self) -> tuple[frozenset[str], frozenset[str], frozenset[str]]:
        """Stems of only the low pole, of only the high pole, and of the dimension itself."""
        low, high = (frozenset(_content(" ".join(texts))) for texts in (self.low, self.high))
        topic = frozenset(_content(self.name.replace("_", " ").replace("-", " "))) | (low & high)
        return low - high - topic, high - low - topic, topic

    @cached_property
    def whole(self) -> frozenset[str]:
        """Stems that are a whole pole text: they mention this dimension even if others have them too."""
        single = (_content(text) for text in (*self.low, *self.high))
        return frozenset(stems[0] for stems in single if len(stems) == 1)


def clauses_of(query: str) -> list[str]:
    """Return the non-empty clauses of a query, at most MAX_CLAUSES."""
    parts = [part.strip() for part in _PARTS.split(query.lower().replace("\u2019", "'"))]
    return [part for part in parts if part][:MAX_CLAUSES]


def clauses_to_embed(query: str) -> list[str]:
    """Return the clauses that may mention a dimension by meaning."""
    return [clause for clause in clauses_of(query) if len(clause.split()) <= MAX_CLAUSE_WORDS]


def mentions_in(
    query: str,
    dimensions: Sequence[DimensionTexts],
    *,
    vectors: dict[str, Array] | None = None,
    poles: Sequence[tuple[Array, Array] | None] = (),
    similar: float = PLAIN.similar,
) -> list[Mention]:
    """Return the dimensions that a query mentions, each once, in the space's order; the first mention counts.

    Args:
        query: the text.
        dimensions: the space's.
        vectors: clause to embedding, shape (d,), of `clauses_to_embed`; None to match by words only.
        poles: embeddings of each dimension's pole texts, shapes (m, d), None without.
        similar: the least cosine of a clause to a pole's nearest text, the model's `Profile.similar`.
    """
    found: dict[int, Mention] = {}
    frequency = _stem_frequency(dimensions)
    for clause in clauses_of(query):
        named = list(_by_words(clause, dimensions, frequency))
        if not named and vectors is not None and clause in vectors:
            named = _by_meaning(clause, vectors[clause], poles, similar)
        for mention in named:
            found.setdefault(mention.dimension, mention)
    return [found[number] for number in sorted(found)]


def _by_words(
    clause: str, dimensions: Sequence[DimensionTexts], frequency: dict[str, int]
) -> Iterator[Mention]:
    words = clause.split()
    stems = set(_content(clause))
    negated = bool(_NEGATIONS.intersection(words)) or any(word.endswith("n't") for word in words)
    for number, each in enumerate(dimensions):
        low, high, topic = each.words
        # a stem that several dimensions share counts only if the clause names the dimension itself
        named = {stem for stem in topic & stems if frequency.get(stem, 0) <= 1}
        own = {stem for stem in stems if frequency.get(stem, 0) == 1 or named or stem in each.whole}
        down, up = low & own, high & own
        if len(down) != len(up):
            is_high = len(up) > len(down)
            yield Mention(
                number,
                is_high != (negated and not _NEGATIONS & _words(each, high=is_high)),
                " ".join(sorted(up if is_high else down)),
            )
        elif named:
            towards = len(_HIGH.intersection(words)) - len(_LOW.intersection(words))
            yield Mention(number, (towards >= 0) != negated, " ".join(sorted(named)))


def _words(dimension: DimensionTexts, *, high: bool) -> set[str]:
    return set(" ".join(dimension.high if high else dimension.low).lower().split())


def _by_meaning(
    clause: str, vector: Array, poles: Sequence[tuple[Array, Array] | None], similar: float
) -> list[Mention]:
    """Return the dimension with the pole text most similar to a clause, if similar enough."""
    best, nearest = None, similar
    for number, pair in enumerate(poles):
        if pair is None:
            continue
        low, high = (float(np.max(texts @ vector)) for texts in pair)
        if max(low, high) >= nearest and abs(high - low) >= MARGIN * (1 - similar):
            best, nearest = Mention(number, high > low, clause), max(low, high)
    return [best] if best else []


def _content(text: str) -> list[str]:
    """Return the stems of the content words, in order."""
    plain = " ".join(
        word
        for word in re.findall(r"[^\W_]+(?:'[^\W_]+)*", text.lower())
        if word not in _LOW and word not in _HIGH and word not in _NEGATIONS and word not in FUNCTION_WORDS
    )
    # names of dimensions are too short to tell a language by
    return terms_of(plain, language="")


def _stem_frequency(dimensions: Sequence[DimensionTexts]) -> dict[str, int]:
    """Return the number of dimensions that have each stem."""
    counts: dict[str, int] = {}
    for each in dimensions:
        for stem in frozenset().union(*each.words):
            counts[stem] = counts.get(stem, 0) + 1
    return counts
