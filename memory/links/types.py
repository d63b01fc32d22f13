"""Links as they are read. No Django."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID


class Direction(StrEnum):
    """Links from a memory, links to it, or both."""

    OUT = "out"
    IN = "in"
    BOTH = "both"


class LinkOutcome(StrEnum):
    """The result of writing a link."""

    CREATED = "created"
    CHANGED = "changed"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True)
class Link:
    """A link.

    Attributes:
        number: ascends with the time of its creation.
        memory: the linking memory.
        kind: the relation.
        target: the linked memory; None while none has the external id.
        source, external_id: by which it names its target; empty for a link by id.
        weight: 0..1.
        properties: a JSON object.
        valid_from, valid_to: when the relation holds, if known.
        recorded_at: when it was created.
    """

    number: int
    memory: UUID
    kind: str
    target: UUID | None
    source: str
    external_id: str
    weight: float
    properties: dict[str, Any]
    valid_from: datetime | None
    valid_to: datetime | None
    recorded_at: datetime

    @property
    def id(self) -> UUID:
        """Its number as a page's cursor."""
        return UUID(int=self.number)


@dataclass(frozen=True, slots=True)
class Linked:
    """A written link, and the decision on record; None if nothing changed."""

    link: Link
    outcome: LinkOutcome
    decision: UUID | None


@dataclass(frozen=True, slots=True)
class Node:
    """A memory in a graph, `distance` links from its root."""

    id: UUID
    distance: int
    content: str
    memory_type: str
    source: str
    external_id: str
    state: str


@dataclass(slots=True)
class Graph:
    """The memories within some links of a root, and the links that lead to them; `truncated` if a bound left some out."""

    nodes: list[Node] = field(default_factory=list)
    edges: list[Link] = field(default_factory=list)
    truncated: bool = False
