"""Retrieval measures. Pure. `relevant` maps relevant ids to grades from 1."""

from collections.abc import Mapping, Sequence
from math import log2


def recall_at(found: Sequence[str], relevant: Mapping[str, int], k: int) -> float:
    """Return the share of relevant items among the first k found, 0 to 1."""
    return len(relevant.keys() & set(found[:k])) / len(relevant)


def reciprocal_rank(found: Sequence[str], relevant: Mapping[str, int]) -> float:
    """Return 1 / rank of the first relevant item, or 0 if none was found."""
    return next((1 / rank for rank, each in enumerate(found, start=1) if each in relevant), 0.0)


def ndcg_at(found: Sequence[str], relevant: Mapping[str, int], k: int) -> float:
    """Return the normalised discounted cumulative gain of the first k, 0 to 1, with linear gain as in trec_eval.

    Source: Järvelin & Kekäläinen 2002, "Cumulated gain-based evaluation of IR techniques".
    """
    gained = sum(relevant.get(each, 0) / log2(rank + 1) for rank, each in enumerate(found[:k], start=1))
    ideal = sorted(relevant.values(), reverse=True)[:k]
    return gained / sum(grade / log2(rank + 1) for rank, grade in enumerate(ideal, start=1))


def precision_of(right: Sequence[bool], wrong: Sequence[bool]) -> float | None:
    """Return the share of the raised flags in `right`, 0 to 1; None if none is raised."""
    raised = sum(right) + sum(wrong)
    return sum(right) / raised if raised else None


def share_of(flags: Sequence[bool]) -> float | None:
    """Return the share of raised flags, 0 to 1; None without flags."""
    return sum(flags) / len(flags) if flags else None
