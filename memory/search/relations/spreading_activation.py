"""Spreading activation: a memory that is linked to one that matches is worth something for it. Pure.

Source: Collins & Loftus 1975, "A spreading-activation theory of semantic processing"; how much it is worth was measured
(docs/retrieval.md). A neighbour gets EDGE of its neighbour's score, the neighbour's neighbour EDGE times SECOND, and a
memory with more than two links (two is a link in a chain) passes on less along each: sqrt(2 / links).
"""

from collections.abc import Container, Mapping, Sequence
from math import sqrt
from typing import NamedTuple

from memory.search.types import Key, Step
from memory.types import LinkKind

# memories that activation spreads from
SEEDS = 20
EDGE = 0.5
SECOND = 0.25
# of a chain's links: what answers a question is worth more than what merely comes after
REPLY = 0.625
_FOLLOWS = str(LinkKind.FOLLOWS)


class Edge(NamedTuple):
    """A link as seen from one of its ends.

    Attributes:
        source: the end it is seen from.
        other: the other end.
        kind: of the link.
        weight: 0..1.
        forward: the link points from `source` to `other`.
    """

    source: Key
    other: Key
    kind: str
    weight: float
    forward: bool


class Activation(NamedTuple):
    """What reached a memory: how much, 0 and up, and the strongest way, nearest step last."""

    value: float
    path: tuple[Edge, ...]

    @property
    def steps(self) -> tuple[Step, ...]:
        """The way as steps."""
        return tuple(Step(edge.kind, edge.source, edge.forward) for edge in self.path)


def spread(
    links: Mapping[Key, Sequence[Edge]], seeds: Mapping[Key, float], asking: Container[Key] = ()
) -> dict[Key, Activation]:
    """Return what two hops from the seeds activate.

    Args:
        links: memory to its links, as seen from it, as far as they are known.
        seeds: memory to its own score, 0..1.
        asking: memories that are questions: what follows one is taken for its answer.
    """
    total: dict[Key, float] = {}
    best: dict[Key, tuple[float, tuple[Edge, ...]]] = {}

    def reach(memory: Key, value: float, *path: Edge) -> None:
        total[memory] = total.get(memory, 0.0) + value
        if memory not in best or value > best[memory][0]:
            best[memory] = (value, path)

    for seed, score in seeds.items():
        own = links.get(seed, ())
        damping = sqrt(2 / max(2, len(own)))
        for edge in own:
            # a reply follows its question: seen from the question, the link comes in
            answers = edge.kind == _FOLLOWS and not edge.forward and seed in asking
            reach(edge.other, score * (REPLY if answers else EDGE) * edge.weight * damping, edge)
            beyond = links.get(edge.other, ())
            further = score * EDGE * SECOND * edge.weight * damping * sqrt(2 / max(2, len(beyond)))
            for second in beyond:
                if second.other != seed:
                    reach(second.other, further * second.weight, edge, second)
    return {memory: Activation(value, best[memory][1]) for memory, value in total.items()}
