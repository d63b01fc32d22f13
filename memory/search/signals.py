"""The signals by which a search ranks its candidates. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from memory.search.relations.spreading_activation import Edge
from memory.search.types import Key, Row, ScorePassages

# An entity in more memories than this adds no candidates; it only scores those found otherwise.
RARE = 200


class Traits(NamedTuple):
    """A memory's attributes other than content; times are epoch seconds."""

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
        members: name to number of memories, at most RARE + 1.
        brought: candidates from the rare ones.
    """

    members: Mapping[str, int] = field(default_factory=dict)
    brought: frozenset[Key] = frozenset()


@dataclass(frozen=True, slots=True)
class Signals:
    """The signals of a question's candidates.

    Attributes:
        arms: arm to memory to raw score.
        shares: arm to memory to share, 0..1.
        plans: query plan by arm.
        traits: by candidate; a memory without traits failed the filters.
        threads: thread id to its score.
        entities: the question's entities.
        named: memory to (name, kind); may cover other questions of the batch too.
        links: links around the best candidates, by memory; may cover other questions of the batch too.
        rows: the memories' rows, if the arm joined them.
        codes: memory to the share of the question's codes that it contains.
        weights: the arms' weights, which sum to 1; if empty they weigh the same.
        evidence: by arm, how much it has to say about the question, 0..1.
        passages: by arm, what gives the shares of memories' passages.
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
    codes: Mapping[Key, float] = field(default_factory=dict)
    weights: Mapping[str, float] = field(default_factory=dict)
    evidence: Mapping[str, float] = field(default_factory=dict)
    passages: Mapping[str, ScorePassages] = field(default_factory=dict)
