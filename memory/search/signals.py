"""The signals that a search ranks its candidates by. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from memory.search.relations.spreading_activation import Edge
from memory.search.types import Key, Row

# An entity in more memories than this says too little of each to bring it: then it only scores those found otherwise.
RARE = 200


class Traits(NamedTuple):
    """What a memory is, apart from its content; times in seconds since the epoch."""

    thread: int | None
    happened_at: float
    recorded_at: float
    asks: bool
    tells_time: bool
    importance: float


@dataclass(frozen=True, slots=True)
class QueryEntities:
    """A question's names that are entities of the organisation.

    Attributes:
        members: name to how many memories are about it, at most RARE + 1.
        brought: memories that the rare ones bring.
    """

    members: Mapping[str, int] = field(default_factory=dict)
    brought: frozenset[Key] = frozenset()


@dataclass(frozen=True, slots=True)
class Signals:
    """All that is known of a question's candidates.

    Attributes:
        arms: arm to memory to raw score.
        shares: arm to memory to 0..1.
        plans: arm to how it asked Postgres.
        traits: of every candidate; a memory without is none.
        threads: thread number to its score.
        entities: which names of the question are entities.
        named: memory to (name, kind), maybe of more memories and names than this question's.
        links: memory to its links, round the best; maybe of more memories.
        rows: the memories themselves, if the arm joined them.
    """

    arms: Mapping[str, Mapping[Key, float]]
    shares: Mapping[str, Mapping[Key, float]]
    plans: Mapping[str, str] = field(default_factory=dict)
    traits: Mapping[Key, Traits] = field(default_factory=dict)
    threads: Mapping[int, float] = field(default_factory=dict)
    entities: QueryEntities = field(default_factory=QueryEntities)
    named: Mapping[Key, Sequence[tuple[str, str]]] = field(default_factory=dict)
    links: Mapping[Key, Sequence[Edge]] = field(default_factory=dict)
    rows: Mapping[Key, Row] | None = None
