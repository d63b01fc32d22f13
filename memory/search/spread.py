"""Spreading activation: a memory that is linked to one that matches is worth something for it. Pure.

Source: Collins & Loftus 1975, "A spreading-activation theory of semantic processing"; how much it is worth was measured
(docs/retrieval.md). A neighbour gets EDGE of its neighbour's score, the neighbour's neighbour EDGE times SECOND, and a
memory with more than two links (two is a link in a chain) passes on less along each: sqrt(2 / links).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from uuid import UUID

from memory.search.types import Step
from memory.types import LinkKind

EDGE = 0.5
SECOND = 0.25
# of a chain's links: what answers a question is worth more than what merely comes after
REPLY = 0.625


@dataclass(frozen=True, slots=True)
class Edge:
    """A link as seen from one of its ends.

    Attributes:
        source: the end it is seen from.
        other: the other end.
        kind: of the link.
        weight: 0..1.
        forward: the link points from `source` to `other`.
        degree: how many links `source` has, as far as they are read.
    """

    source: UUID
    other: UUID
    kind: str
    weight: float
    forward: bool
    degree: int


@dataclass(frozen=True, slots=True)
class Activation:
    """What reached a memory: how much, 0 and up, and the strongest way, nearest step last."""

    value: float
    path: tuple[Step, ...]


def spread(
    edges: Sequence[Edge], seeds: Mapping[UUID, float], asking: frozenset[UUID] = frozenset()
) -> dict[UUID, Activation]:
    """Return what two hops from the seeds activate.

    Args:
        edges: within two hops; an edge is listed for each end it is seen from.
        seeds: memory to its own score, 0..1.
        asking: memories that are questions: what follows one is taken for its answer.
    """
    around: dict[UUID, list[Edge]] = {}
    for edge in edges:
        around.setdefault(edge.source, []).append(edge)
    total: dict[UUID, float] = {}
    best: dict[UUID, tuple[float, tuple[Step, ...]]] = {}

    def reach(memory: UUID, value: float, path: tuple[Step, ...]) -> None:
        total[memory] = total.get(memory, 0.0) + value
        if memory not in best or value > best[memory][0]:
            best[memory] = (value, path)

    for seed, score in seeds.items():
        for edge in around.get(seed, ()):
            damping = sqrt(2 / max(2, edge.degree))
            step = Step(edge.kind, seed, edge.forward)
            reach(edge.other, score * _strength(edge, asking) * damping, (step,))
            for second in around.get(edge.other, ()):
                if second.other == seed:
                    continue
                further = damping * sqrt(2 / max(2, second.degree)) * edge.weight * second.weight
                path = (step, Step(second.kind, edge.other, second.forward))
                reach(second.other, score * EDGE * SECOND * further, path)
    return {memory: Activation(value, best[memory][1]) for memory, value in total.items()}


def _strength(edge: Edge, asking: frozenset[UUID]) -> float:
    # a reply follows its question: seen from the question, the link comes in
    if edge.kind == LinkKind.FOLLOWS and not edge.forward and edge.source in asking:
        return REPLY * edge.weight
    return EDGE * edge.weight
