"""The confidence that the first hit of a search answers, and the doubt whether anything does. Pure.

Two logistic functions of the same evidence, recorded as `METHOD`; the confidence is the lesser of the two:

    z = a + b · meaning + c · words + d · root margin + e · ln(size)

- meaning: the best share of the meaning arm among the candidates, 0..1, on the scale that all models share (`Profile.share`).
- words: the best share of the words arm, 0..1: how much of the question's information a memory holds.
- root margin: √((first score - second score) / first score); 1 for a single candidate. Only for the first hit's confidence.
- size: memories of the organisation, within 30..1,000: among many, something is always near.

Which constants apply depends on the arms that took part, not on the search type: without the embedder, a hybrid search is as sure as one by words. In
a language that the model was not made for, unrelated texts are as near as related ones, so words alone decide where they took part.
Fitted on answerable and unanswerable questions with both local models; figures and method in docs/accountability.md and docs/retrieval.md.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from math import exp, log, sqrt
from statistics import fmean
from typing import NamedTuple

from memory.search.types import AbstainReason, Ranked

METHOD = "search-evidence/3: logistic of the best meaning and words, the root margin and the size"
MEAN = "search-evidence/3, mean over the questions"

MEANING, WORDS = "meaning", "words"
SMALLEST, LARGEST = 30, 1_000
# a search whose answers are less likely than this abstains
LIKELY = 0.4
# stated where nothing matches exactly what must; not fitted
UNLIKELY = 0.1


class _Constants(NamedTuple):
    offset: float
    meaning: float
    words: float
    margin: float
    size: float


class _Basis(Enum):
    """The evidence that a search is judged by."""

    BOTH = auto()
    MEANING = auto()
    WORDS = auto()
    FOREIGN_WORDS = auto()
    NEITHER = auto()


# the first hit answers
_FIRST = {
    _Basis.BOTH: _Constants(-2.2, 8.5, 1.0, 6.8, -1.0),
    _Basis.MEANING: _Constants(-1.9, 6.1, 0.0, 6.4, -0.75),
    _Basis.WORDS: _Constants(-3.7, 0.0, 3.4, 3.4, 0.0),
    _Basis.FOREIGN_WORDS: _Constants(-5.3, 0.0, 5.9, 6.4, 0.0),
    _Basis.NEITHER: _Constants(-2.25, 0.0, 0.0, 3.6, 0.0),
}
# something answers
_ANY = {
    _Basis.BOTH: _Constants(0.0, 20.0, 4.0, 0.0, -1.8),
    _Basis.MEANING: _Constants(-0.4, 23.0, 0.0, 0.0, -1.8),
    _Basis.WORDS: _Constants(-1.2, 0.0, 10.0, 0.0, -0.3),
    _Basis.FOREIGN_WORDS: _Constants(-1.2, 0.0, 10.0, 0.0, -0.3),
}


@dataclass(frozen=True, slots=True)
class Evidence:
    """The evidence that a search found.

    Attributes:
        meaning: the best share of the meaning arm; None if it took no part.
        words: the best share of the words arm; None if it took no part.
        size: the organisation's memories.
        beyond: whether it found what nothing is calibrated for: candidates of other arms, or the period that the query is about.
        misses_codes: whether the query has codes that no candidate contains.
        is_foreign: whether the model was not made for the query's language.
        asks_nothing: whether the query is blank apart from what it excludes.
    """

    meaning: float | None
    words: float | None
    size: int
    beyond: bool = False
    misses_codes: bool = False
    is_foreign: bool = False
    asks_nothing: bool = False


def evidence_of(
    shares: Mapping[str, Mapping[bytes, float]],
    *,
    size: int,
    misses_codes: bool,
    named: float = 0.0,
    is_dated: bool = False,
    is_foreign: bool = False,
    asks_nothing: bool = False,
) -> Evidence:
    """Return the evidence of a search.

    Args:
        shares: arm to candidate to share.
        size: the organisation's memories.
        misses_codes: whether the query has codes that no candidate contains.
        named: the best share of names in the query that a candidate mentions, which count as words.
        is_dated: whether the query asks for little but a period, and a candidate is in it.
        is_foreign: whether the model was not made for the query's language.
        asks_nothing: whether the query is blank apart from what it excludes.
    """
    best = {arm: max(each.values(), default=0.0) for arm, each in shares.items()}
    words = best.get(WORDS)
    return Evidence(
        best.get(MEANING),
        None if words is None else max(words, named),
        size,
        is_dated or bool(best.keys() - {MEANING, WORDS}),
        misses_codes,
        is_foreign,
        asks_nothing,
    )


def confidence_of(ranked: Sequence[Ranked], evidence: Evidence) -> float | None:
    """Return how sure it is that the first of the ranked memories answers, 0..1; None if nothing was found."""
    if not ranked:
        return None
    first, second = ranked[0].score, max(0.0, ranked[1].score) if len(ranked) > 1 else 0.0
    margin = min(1.0, max(0.0, (first - second) / first)) if first > 0 else 0.0
    return min(_logistic(_FIRST[_basis(evidence)], evidence, sqrt(margin)), _likelihood(evidence))


def doubt_of(evidence: Evidence) -> AbstainReason | None:
    """Return why nothing found is likely to answer; None if something may."""
    if evidence.asks_nothing and not evidence.beyond:
        return AbstainReason.NOTHING_ASKED
    if evidence.misses_codes:
        return AbstainReason.CODE_NOT_FOUND
    return AbstainReason.WEAK_EVIDENCE if _likelihood(evidence) < LIKELY else None


def mean_confidence(confidences: Sequence[float | None]) -> float | None:
    """Return the mean confidence of those searches that found something."""
    known = [value for value in confidences if value is not None]
    return fmean(known) if known else None


def _likelihood(evidence: Evidence) -> float:
    """Return how likely anything found answers, 0..1; 1 if nothing is calibrated for the arms that took part."""
    if evidence.misses_codes or (evidence.asks_nothing and not evidence.beyond):
        return UNLIKELY
    constants = _ANY.get(_basis(evidence))
    if evidence.beyond or constants is None:
        return 1.0
    if evidence.meaning is None and not evidence.words:
        return UNLIKELY
    return _logistic(constants, evidence, 0.0)


def _basis(evidence: Evidence) -> _Basis:
    if evidence.words is None:
        return _Basis.NEITHER if evidence.meaning is None else _Basis.MEANING
    if evidence.meaning is None:
        return _Basis.WORDS
    return _Basis.FOREIGN_WORDS if evidence.is_foreign else _Basis.BOTH


def _logistic(constants: _Constants, evidence: Evidence, root_margin: float) -> float:
    z = (
        constants.offset
        + constants.meaning * (evidence.meaning or 0.0)
        + constants.words * (evidence.words or 0.0)
        + constants.margin * root_margin
        + constants.size * log(min(LARGEST, max(SMALLEST, evidence.size)))
    )
    return 1 / (1 + exp(-z))
