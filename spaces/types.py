"""What spaces are made of. No Django here."""

from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import Any
from uuid import UUID

import numpy as np

Array = np.ndarray

MAX_DIMENSIONS = 64
MAX_POLE_TEXTS = 20
MAX_EXAMPLES = 200


class Scale(StrEnum):
    """How a dimension's values follow one another."""

    LINEAR = "linear"
    LOG = "log"
    ORDINAL = "ordinal"
    CIRCULAR = "circular"


class Source(IntEnum):
    """Where a coordinate comes from."""

    UNKNOWN = 0
    PROJECTION = 1
    FIELD = 2
    EXPLICIT = 3


class RelationKind(StrEnum):
    """How one concept stands to another."""

    IS_A = "is_a"
    PART_OF = "part_of"
    OPPOSITE = "opposite"
    CAUSES = "causes"
    SIMILAR = "similar"


# of these a concept must not come back to itself
WITHOUT_CYCLES = frozenset({RelationKind.IS_A, RelationKind.PART_OF})


class LayoutState(StrEnum):
    """How far the positions of a space's version are."""

    BUILDING = "building"
    READY = "ready"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True)
class Example:
    """A labelled example: a text or a memory, and where it stands on the dimension's range."""

    value: float
    text: str = ""
    memory: UUID | None = None


@dataclass(frozen=True, slots=True)
class Dimension:
    """A dimension as it is described.

    Attributes:
        name: unique in its space, without regard to case.
        description: for people.
        unit: of its values, for people.
        low: texts of the low pole; with `high` they place a text by semantic projection.
        high: texts of the high pole.
        low_memories: memories that stand for the low pole.
        high_memories: for the high pole.
        examples: labelled ones that correct the axis between the poles.
        field: dotted path of a metadata field that gives the value, empty for none. It beats projection.
        scale: how its values follow one another.
        range: the values at the two ends; of a circle, one turn.
        levels: names of an ordinal scale's values, lowest first.
        weight: how much it counts beside the others, ≥ 0.
        domain: dimensions of one domain are integral (Euclidean); empty for a domain of its own.
    """

    name: str
    description: str = ""
    unit: str = ""
    low: tuple[str, ...] = ()
    high: tuple[str, ...] = ()
    low_memories: tuple[UUID, ...] = ()
    high_memories: tuple[UUID, ...] = ()
    examples: tuple[Example, ...] = ()
    field: str = ""
    scale: Scale = Scale.LINEAR
    range: tuple[float, float] = (0.0, 1.0)
    levels: tuple[str, ...] = ()
    weight: float = 1.0
    domain: str = ""

    @property
    def has_poles(self) -> bool:
        """Whether it can place a text."""
        return bool((self.low or self.low_memories) and (self.high or self.high_memories))

    @property
    def kind(self) -> str:
        """What places a memory on it: poles, field, or nothing."""
        return "poles" if self.has_poles else "field" if self.field else "nothing"

    @property
    def placing(self) -> tuple[Any, ...]:
        """What decides where a memory stands; a change of anything else moves nobody."""
        return (
            self.low, self.high, self.low_memories, self.high_memories, self.examples, self.field, self.scale, self.range,
            self.levels,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Coordinate:
    """Where a memory stands on a dimension: a value in its units, where that comes from, and how sure it is, 0..1."""

    value: float
    source: Source
    confidence: float


@dataclass(frozen=True, slots=True)
class ConceptDraft:
    """A concept as it is described; where it takes in examples or a text, they say what is not given.

    Attributes:
        name: unique in its space, without regard to case.
        description: for people.
        prototype: dimension to value in its units.
        weights: dimension to how much it matters, ≥ 0.
        radius: distance at which something belongs by half, None to learn it.
        examples: memories that fall under it.
        text: what it is, in words, placed by projection.
    """

    name: str
    description: str = ""
    prototype: dict[str, float | str] = field(default_factory=dict)
    weights: dict[str, float] = field(default_factory=dict)
    radius: float | None = None
    examples: tuple[UUID, ...] = ()
    text: str = ""
