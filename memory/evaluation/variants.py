"""The searches that a set is measured by: each type, and hybrid with each part left out."""

from dataclasses import dataclass

from memory.search.arms.interface import arms_for
from memory.search.types import SearchRequest, SearchType
from memory.search.weights import WEIGHTS

RELATIONS = frozenset(WEIGHTS)


@dataclass(frozen=True, slots=True)
class Variant:
    """A search type, and the arms and relations left out of it."""

    search_type: SearchType
    without: frozenset[str] = frozenset()

    def __str__(self) -> str:
        if self.without == RELATIONS:
            return f"{self.search_type} without relations"
        return " without ".join([str(self.search_type), *sorted(self.without)])


MEANING = Variant(SearchType.NEURAL)
WORDS = Variant(SearchType.KNOWLEDGE, RELATIONS)
HYBRID = Variant(SearchType.HYBRID)
MAIN = (MEANING, WORDS, Variant(SearchType.KNOWLEDGE), HYBRID)
"""Meaning alone, words alone, words with relations, and everything."""


def ablation() -> list[Variant]:
    """Return hybrid without each arm, without each relation, and without any relation."""
    parts = [arm.name for arm in arms_for(SearchRequest(""))] + list(WEIGHTS)
    without = [frozenset({part}) for part in parts] + [RELATIONS]
    return [Variant(SearchType.HYBRID, each) for each in without]
