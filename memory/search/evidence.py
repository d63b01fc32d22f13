"""What a search knows of its candidates before it ranks them. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from memory.search.spread import Edge

# An entity in more memories than this says too little of each to bring it: then it only scores those found otherwise.
RARE = 200


@dataclass(frozen=True, slots=True)
class Traits:
    """What a memory is, apart from its content: its thread, its times, whether it asks or tells a time."""

    thread: int | None
    happened_at: datetime
    recorded_at: datetime
    asks: bool
    tells_time: bool
    importance: float


@dataclass(frozen=True, slots=True)
class Names:
    """The question's names that the organisation knows.

    Attributes:
        members: name to how many memories are about it, at most RARE + 1.
        brought: memories that the rare ones bring.
    """

    members: dict[str, int] = field(default_factory=dict)
    brought: frozenset[UUID] = frozenset()


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that is known of a search's candidates.

    Attributes:
        arms: arm to memory to the arm's own figure.
        shares: arm to memory to 0..1.
        traits: of every candidate; one without is none.
        threads: thread number to its figure.
        names: which names of the question are entities.
        named: (memory, name, kind) of candidates.
        edges: links within two hops of the best.
    """

    arms: Mapping[str, Mapping[UUID, float]]
    shares: Mapping[str, Mapping[UUID, float]]
    traits: Mapping[UUID, Traits] = field(default_factory=dict)
    threads: Mapping[int, float] = field(default_factory=dict)
    names: Names = field(default_factory=Names)
    named: Sequence[tuple[UUID, str, str]] = ()
    edges: Sequence[Edge] = ()
