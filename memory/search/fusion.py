"""Fusion of arms: each arm's shares of a memory, 0..1, added with equal weight. Pure."""

from collections.abc import Mapping

from memory.search.types import Key


def fuse(shares: Mapping[str, Mapping[Key, float]]) -> dict[Key, float]:
    """Return the mean of the arms' shares for every memory of any arm; one that an arm lacks counts 0."""
    scores: dict[Key, float] = {}
    for each in shares.values():
        part = 1 / len(shares)
        for memory, share in each.items():
            scores[memory] = scores.get(memory, 0.0) + share * part
    return scores


def best(scores: Mapping[Key, float], count: int) -> list[Key]:
    """Return the memories with the highest scores; ties by id, so that a search repeats itself."""
    return sorted(scores, key=lambda memory: (-scores[memory], memory))[:count]
