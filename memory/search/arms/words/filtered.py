"""Find the best memories that pass the filters, by testing the best ones first."""

from collections.abc import Sequence

from liftos.kernel.precedence import giving_way
from memory.search.arms.words.bm25 import Scorer, Scores
from memory.search.passing import passing_filters
from memory.search.types import Key, Question

# How many memories are tested for a question at first, per one that is wanted, and how many times as many in each further round.
FIRST, GROWTH = 2, 8


def find_best(
    questions: Sequence[Question], scorer: Scorer, scores: Sequence[Scores], limit: int
) -> list[dict[Key, float]]:
    """Return for each question the memories with the highest scores that pass the filters, best first; ties by id.

    Args:
        questions: at least one; they share their filters.
        scorer: what scored them.
        scores: of their passages.
        limit: number of memories for each.
    """
    memories = [scorer.memories(each) for each in scores]
    found: list[dict[Key, float]] = [{} for _ in questions]
    tested: dict[Key, bool] = {}
    unfinished, most = list(range(len(questions))), FIRST * limit
    while unfinished:
        best = {number: scorer.best(memories[number], most) for number in giving_way(unfinished)}
        new = {key for own in best.values() for key in own if key not in tested}
        tested |= dict.fromkeys(new, False) | dict.fromkeys(passing_filters(questions[0], new), True)
        for number, own in best.items():
            passing = [key for key in own if tested[key]]
            found[number] = {key: own[key] for key in passing[:limit]}
        unfinished = [
            number
            for number, own in best.items()
            if len(found[number]) < limit and len(own) < len(memories[number].values)
        ]
        most *= GROWTH
    return found
