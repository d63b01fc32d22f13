"""How sure a search may be of its first place. Pure.

A fused score is relative to the search's best, so it can't tell; what can is the cosine of the first hit, and where no
vectors took part, its margin over the next.
"""

from collections.abc import Sequence
from statistics import fmean

from memory.search.types import Ranked

COSINE, MARGIN = "cosine of the best hit", "margin over the next hit"
MEAN = "mean over the questions"


def confidence_of(ranked: Sequence[Ranked]) -> tuple[float | None, str]:
    """Return a confidence, 0..1, and the method; None where nothing was found."""
    if not ranked:
        return None, ""
    first = ranked[0]
    for term in first.terms:
        if term.arm == "meaning":
            return min(1.0, max(0.0, term.raw)), COSINE
    second = ranked[1].score if len(ranked) > 1 else 0.0
    return (first.score - second) / first.score if first.score else 0.0, MARGIN


def confidence_of_many(rankings: Sequence[Sequence[Ranked]]) -> tuple[float | None, str]:
    """Return the mean of the confidences of several searches that found something."""
    known = [value for value, _ in map(confidence_of, rankings) if value is not None]
    return (fmean(known), MEAN) if known else (None, "")
