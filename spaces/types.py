"""Dimensions, coordinates and concept drafts. No Django here."""

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
    """The scale of a dimension's values."""

    LINEAR = "linear"
    LOG = "log"
    ORDINAL = "ordinal"
    CIRCULAR = "circular"


class Source(IntEnum):
    """The source of a coordinate; a higher one takes precedence."""

    UNKNOWN = 0
    PROJECTION = 1
    FIELD = 2
    EXPLICIT = 3


class RelationKind(StrEnum):
    """The kind of a relation between concepts."""

    IS_A = "is_a"
    PART_OF = "part_of"
    OPPOSITE = "opposite"
    CAUSES = "causes"
    SIMILAR = "similar"


# relations that must be acyclic
WITHOUT_CYCLES = frozenset({RelationKind.IS_A, RelationKind.PART_OF})


class LayoutState(StrEnum):
    """The state of a layout's positions."""

    BUILDING = "building"
    READY = "ready"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True)
class Example:
    """A labelled example: a text or a memory, with its value in the dimension's units."""

    value: float
    text: str = ""
    memory: UUID | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the value with `memory_id` or `text`."""
        source = {"memory_id": str(self.memory)} if self.memory else {"text": self.text}
        return {"value": self.value, **source}


@dataclass(frozen=True, slots=True)
class Dimension:
    """The definition of a dimension.

    Attributes:
        name: unique in its space, case-insensitive.
        description: for people.
        unit: of its values, for people.
        low: texts of the low pole; with `high` they place a text by semantic projection.
        high: texts of the high pole.
        low_memories: memories of the low pole.
        high_memories: memories of the high pole.
        examples: labelled examples, which correct the axis between the poles.
        field: dotted path of a metadata field with the value, empty for none. Takes precedence over projection.
        scale: of its values.
        range: the values at the two ends; of a circular scale, one turn.
        levels: names of an ordinal scale's values, lowest first.
        weight: relative to the other dimensions, ≥ 0.
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
        """True if it has both poles, and so can place a text."""
        return bool((self.low or self.low_memories) and (self.high or self.high_memories))

    @property
    def kind(self) -> str:
        """The way memories are placed on it: poles, field, or nothing."""
        return "poles" if self.has_poles else "field" if self.field else "nothing"

    @property
    def placing(self) -> tuple[Any, ...]:
        """The fields that determine positions; changing any other moves no member."""
        return (
            self.low, self.high, self.low_memories, self.high_memories, self.examples, self.field, self.scale, self.range,
            self.levels,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Coordinate:
    """A memory's value on a dimension, in its units, with its source and confidence, 0..1."""

    value: float
    source: Source
    confidence: float


@dataclass(frozen=True, slots=True)
class ConceptDraft:
    """A new concept; examples or a text fill in what is not given.

    Attributes:
        name: unique in its space, case-insensitive.
        description: for people.
        prototype: dimension to value in its units.
        weights: dimension to weight, ≥ 0.
        radius: distance at which membership is one half, None to learn it.
        examples: memories that belong to it.
        text: describes it in words, placed by projection.
    """

    name: str
    description: str = ""
    prototype: dict[str, float | str] = field(default_factory=dict)
    weights: dict[str, float] = field(default_factory=dict)
    radius: float | None = None
    examples: tuple[UUID, ...] = ()
    text: str = ""
