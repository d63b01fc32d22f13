"""Score fusion: the equally weighted mean of the arms' shares. Pure."""

from collections.abc import Mapping

from memory.search.types import Key


def fuse(shares: Mapping[str, Mapping[Key, float]]) -> dict[Key, float]:
    """Return each memory's mean share over all arms, counting 0 for arms without it."""
    scores: dict[Key, float] = {}
    for each in shares.values():
        part = 1 / len(shares)
        for memory, share in each.items():
            scores[memory] = scores.get(memory, 0.0) + share * part
    return scores


def best(scores: Mapping[Key, float], count: int) -> list[Key]:
    """Return the memories with the highest scores, best first; ties by id for repeatable results."""
    return sorted(scores, key=lambda memory: (-scores[memory], memory))[:count]
