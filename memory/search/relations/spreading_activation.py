"""Spreading activation: memories linked to a match gain part of its score. Pure.

Source: Collins & Loftus 1975, "A spreading-activation theory of semantic processing"; factors were measured
(docs/retrieval.md). A neighbour gets EDGE of the score, a neighbour's neighbour EDGE * SECOND. A memory with more than two links
(the number within a chain) passes on less along each, by the factor sqrt(2 / links).
"""

from collections.abc import Container, Mapping, Sequence
from math import sqrt
from typing import NamedTuple

from memory.search.types import Key, Step
from memory.search.weights import EDGE, REPLY, SECOND
from memory.types import LinkKind

# number of best candidates from which activation spreads
SEEDS = 20
_FOLLOWS = str(LinkKind.FOLLOWS)


class Edge(NamedTuple):
    """A link as seen from one of its ends.

    Attributes:
        source: the end it is seen from.
        other: the other end.
        kind: the link's kind.
        weight: 0..1.
        forward: whether the link points from `source` to `other`.
    """

    source: Key
    other: Key
    kind: str
    weight: float
    forward: bool


class Activation(NamedTuple):
    """A memory's activation, at least 0, and the path that contributed most, nearest step last."""

    value: float
    path: tuple[Edge, ...]

    @property
    def steps(self) -> tuple[Step, ...]:
        """The path as steps."""
        return tuple(Step(edge.kind, edge.source, edge.forward) for edge in self.path)


def spread(
    links: Mapping[Key, Sequence[Edge]], seeds: Mapping[Key, float], asking: Container[Key] = ()
) -> dict[Key, Activation]:
    """Return the activation of memories within two hops of the seeds.

    Args:
        links: memory to its known links, as seen from it.
        seeds: memory to its score, 0..1.
        asking: memories that are questions, whose followers are taken as answers.
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
            # the answer links to its question, so the link is incoming
            answers = edge.kind == _FOLLOWS and not edge.forward and seed in asking
            reach(edge.other, score * (REPLY if answers else EDGE) * edge.weight * damping, edge)
            beyond = links.get(edge.other, ())
            further = score * EDGE * SECOND * edge.weight * damping * sqrt(2 / max(2, len(beyond)))
            for second in beyond:
                if second.other != seed:
                    reach(second.other, further * second.weight, edge, second)
    return {memory: Activation(value, best[memory][1]) for memory, value in total.items()}
