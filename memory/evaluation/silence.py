"""Measure whether hybrid search abstains from questions that nothing answers. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from memory.evaluation.measures import precision_of, share_of
from memory.evaluation.trial import Outcome
from memory.evaluation.variants import HYBRID


@dataclass(frozen=True, slots=True)
class Silence:
    """A haystack's abstentions.

    Attributes:
        haystack: which.
        figures: `precision`: share of the abstentions from unanswerable questions; `recall`: share of those questions that it
            abstains from; `recall own`, `recall foreign`: recall for the set's own unanswerable questions, and for questions
            about other collections. None where there is nothing to divide by.
        answerable, unanswerable: the numbers of questions.
    """

    haystack: str
    figures: dict[str, float | None]
    answerable: int
    unanswerable: int


def silences_of(outcomes: Iterable[Outcome]) -> list[Silence]:
    """Return the abstentions of each haystack that was asked unanswerable questions."""
    by_haystack: dict[str, list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        if outcome.variant == HYBRID:
            by_haystack[outcome.haystack].append(outcome)
    silences = [_silence(haystack, own) for haystack, own in by_haystack.items()]
    return [silence for silence in silences if silence.unanswerable]


def _silence(haystack: str, outcomes: Sequence[Outcome]) -> Silence:
    answerable = [each.abstained for each in outcomes if each.question.relevant]
    others = [each for each in outcomes if not each.question.relevant]
    own = [each.abstained for each in others if not each.is_foreign]
    foreign = [each.abstained for each in others if each.is_foreign]
    figures = {
        "precision": precision_of(own + foreign, answerable),
        "recall": share_of(own + foreign),
        "recall own": share_of(own),
        "recall foreign": share_of(foreign),
    }
    return Silence(haystack, figures, len(answerable), len(others))
