"""Score fusion: the arms' shares, each arm weighed by how much it has to say about the question. Pure.

    score = sum of weight * share,   weight of an arm in a search = its own weight * its evidence, scaled to sum to 1

Evidence (0..1) keeps the better arm from being buried. Words that match no more than a "list" or an "event" of a question hold little of
its information and count next to nothing; a name or a number that is met counts in full. A model counts little for languages that it was
not made for. Constants are round numbers from plateaus (docs/retrieval.md).
"""

from collections.abc import Mapping

from memory.search.types import Key


def weigh(weights: Mapping[str, float], evidence: Mapping[str, float]) -> dict[str, float]:
    """Return the arms' weights in a search, which sum to 1.

    Args:
        weights: each arm's own weight, more than 0.
        evidence: how much each arm has to say about the question, 0..1.
    """
    found = {arm: weight * evidence[arm] for arm, weight in weights.items()}
    if not any(found.values()):
        found = dict(weights)
    total = sum(found.values())
    return {arm: weight / total for arm, weight in found.items()}


def fuse(shares: Mapping[str, Mapping[Key, float]], weights: Mapping[str, float]) -> dict[Key, float]:
    """Return each memory's weighted sum of shares, counting 0 for arms without it."""
    scores: dict[Key, float] = {}
    for arm, each in shares.items():
        weight = weights[arm]
        for memory, share in each.items():
            scores[memory] = scores.get(memory, 0.0) + share * weight
    return scores


def best(scores: Mapping[Key, float], count: int) -> list[Key]:
    """Return the memories with the highest scores, best first; ties by id for repeatable results."""
    return sorted(scores, key=lambda memory: (-scores[memory], memory))[:count]
