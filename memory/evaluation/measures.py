"""Retrieval measures. Pure."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet


def recall_at(found: Sequence[str], relevant: AbstractSet[str], k: int) -> float:
    """Return the share of the relevant items among the first k found, 0..1."""
    return len(relevant & set(found[:k])) / len(relevant)


def reciprocal_rank(found: Sequence[str], relevant: AbstractSet[str]) -> float:
    """Return 1 / the rank of the first relevant item, 0 where none was found."""
    return next((1 / rank for rank, each in enumerate(found, start=1) if each in relevant), 0.0)
