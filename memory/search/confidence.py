"""The confidence that a search's first hit is relevant. Pure.

Fused scores are only comparable within a search, so confidence is based on the margin between the first and second hits. The
formula, recorded as `METHOD`:

    confidence = sigma(a + b * sqrt(margin)) * strength * coverage

- margin: (first score - second score) / first score, 0..1; 1 for a single candidate.
- a, b: per search type, fitted by logistic regression on the development half of LoCoMo (782 questions with evidence);
  cross-validated calibration error per conversation is .03 to .06.
- strength: the first hit's maximum relatedness over the arms (`Arm.relatedness`): 1 if it contains a word of the question, else
  its cosine / 0.3; 1 if no arm gives any.
- coverage: the share of the search type's arms that took part.

Further terms for the arms' agreement on the first hit and for its score did not help (docs/accountability.md).
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
    """Return the confidence, 0..1, and its method; (None, "") if nothing was found.

    Args:
        ranked: best first; the first must have its terms.
        arms: the search's arms.
        search_type: selects the fitted constants.
        coverage: share of the arms that took part, 0..1.
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
    """Return the mean confidence of those searches that found something, and its method."""
    found = (confidence_of(ranked, arms, search_type, coverage)[0] for ranked in rankings)
    known = [value for value in found if value is not None]
    return (fmean(known), MEAN) if known else (None, "")


def _strength(first: Ranked, arms: Sequence[Arm]) -> float:
    raw = {term.arm: term.raw for term in first.terms}
    given = (arm.relatedness(raw[arm.name]) for arm in arms if arm.name in raw)
    return max((each for each in given if each is not None), default=1.0)
