"""Retrieval measures. Pure. `relevant` maps what answers a question to its grade, 1 and up."""

from collections.abc import Mapping, Sequence
from math import log2


def recall_at(found: Sequence[str], relevant: Mapping[str, int], k: int) -> float:
    """Return the share of the relevant items among the first k found, 0..1."""
    return len(relevant.keys() & set(found[:k])) / len(relevant)


def reciprocal_rank(found: Sequence[str], relevant: Mapping[str, int]) -> float:
    """Return 1 / the rank of the first relevant item, 0 where none was found."""
    return next((1 / rank for rank, each in enumerate(found, start=1) if each in relevant), 0.0)


def ndcg_at(found: Sequence[str], relevant: Mapping[str, int], k: int) -> float:
    """Return the normalised discounted cumulative gain of the first k, 0..1, with linear gain as trec_eval has it.

    Source: Järvelin & Kekäläinen 2002, "Cumulated gain-based evaluation of IR techniques".
    """
    gained = sum(relevant.get(each, 0) / log2(rank + 1) for rank, each in enumerate(found[:k], start=1))
    ideal = sorted(relevant.values(), reverse=True)[:k]
    return gained / sum(grade / log2(rank + 1) for rank, grade in enumerate(ideal, start=1))
