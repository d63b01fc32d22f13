"""How sure a search may be that its first place is a right one. Pure.

A fused score is relative to the best of its own search, so by itself it tells nothing; what does is how far the first
stands above the second. The rule, named `METHOD` in the records:

    confidence = sigma(a + b * sqrt(margin)) * strength * coverage

- margin: (first score - second score) / first score, 0..1; of a single candidate, 1.
- a, b: by search type, fitted by logistic regression on the development half of LoCoMo (782 questions with evidence),
  where each fold's calibration error, with the other conversations' constants, is .03 to .06.
- strength: the highest relatedness that an arm gives the first hit (`Arm.relatedness`): 1 where a word of the question stands in
  it, else its cosine over 0.3; 1 where no arm gives any.
- coverage: the share of the search type's arms that took part.

The agreement of the arms on the first hit and its score were tried as further terms and added nothing (docs/accountability.md).
"""

from collections.abc import Sequence
from math import exp, sqrt
from statistics import fmean

from memory.search.arms.interface import Arm
from memory.search.types import Ranked, SearchType

METHOD = "search-margin/1: logistic of the root margin, times strength and coverage"
MEAN = "search-margin/1, mean over the questions"

_ONE_ARM, _FUSED = (-2.25, 3.6), (-1.7, 4.6)
_FITTED = {SearchType.NEURAL: _ONE_ARM, SearchType.CONCEPTUAL: _ONE_ARM}


def confidence_of(
    ranked: Sequence[Ranked],
    arms: Sequence[Arm],
    search_type: SearchType = SearchType.HYBRID,
    coverage: float = 1.0,
) -> tuple[float | None, str]:
    """Return a confidence, 0..1, and the method; None where nothing was found.

    Args:
        ranked: best first; the first with its terms.
        arms: of the search.
        search_type: whose constants count.
        coverage: share of its arms that took part, 0..1.
    """
    if not ranked:
        return None, ""
    first = ranked[0]
    second = max(0.0, ranked[1].score) if len(ranked) > 1 else 0.0
    margin = min(1.0, max(0.0, (first.score - second) / first.score)) if first.score > 0 else 0.0
    offset, slope = _FITTED.get(search_type, _FUSED)
    return _strength(first, arms) * coverage / (1 + exp(-offset - slope * sqrt(margin))), METHOD


def confidence_of_many(
    rankings: Sequence[Sequence[Ranked]],
    arms: Sequence[Arm],
    search_type: SearchType = SearchType.HYBRID,
    coverage: float = 1.0,
) -> tuple[float | None, str]:
    """Return the mean of the confidences of several searches that found something."""
    found = (confidence_of(ranked, arms, search_type, coverage)[0] for ranked in rankings)
    known = [value for value in found if value is not None]
    return (fmean(known), MEAN) if known else (None, "")


def _strength(first: Ranked, arms: Sequence[Arm]) -> float:
    raw = {term.arm: term.raw for term in first.terms}
    given = (arm.relatedness(raw[arm.name]) for arm in arms if arm.name in raw)
    return max((each for each in given if each is not None), default=1.0)
