"""Parsed filters: conditions on metadata and how they are joined, and what narrows the memories beside them. No Django."""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Literal

ORDER = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
TEXTUAL = ("contains", "icontains", "startswith", "like")
TIMES = ("recorded_at", "changed_at", "happened_at", "valid_from", "valid_to", "expires_at")
"""The times of a memory that can be tested."""


@dataclass(frozen=True, slots=True)
class Condition:
    """A filter on a metadata key.

    Attributes:
        key: dotted path.
        operator: one of eq, ne, in, nin, gt, gte, lt, lte, exists, contains, icontains, startswith, like.
        values: JSON scalars; one boolean for exists.
    """

    key: str
    operator: str
    values: tuple[Any, ...]

    def conditions(self) -> Iterator["Condition"]:
        """Yield the condition itself."""
        yield self

    def as_json(self) -> list[Any]:
        """Render it for the record of a search."""
        return [self.key, self.operator, list(self.values)]


@dataclass(frozen=True, slots=True)
class Group:
    """Filters that are joined: `and` all hold, `or` at least one, `not` none."""

    join: str
    parts: tuple["Filter", ...]

    def conditions(self) -> Iterator[Condition]:
        """Yield the conditions at any depth."""
        for part in self.parts:
            yield from part.conditions()

    def as_json(self) -> list[Any]:
        """Render it for the record of a search."""
        return [f"${self.join}", [part.as_json() for part in self.parts]]


Filter = Condition | Group


@dataclass(frozen=True, slots=True)
class TimeTest:
    """A test of one of a memory's TIMES. A None `moment` is null, of which only eq and ne can be asked."""

    field: str
    operator: Literal["eq", "ne", "gt", "gte", "lt", "lte"]
    moment: datetime | None

    def as_json(self) -> list[Any]:
        """Render it for the record of a search."""
        return [self.field, self.operator, self.moment and self.moment.isoformat()]


@dataclass(frozen=True, slots=True)
class Narrowing:
    """Conditions on memories beside type, states, times and metadata, all of which must hold.

    Attributes:
        all_tags: the memory has each of these tags.
        any_tags: it has at least one of these; empty for no condition.
        exact_tags: it has these tags and no others; None for no condition.
        thread: its thread, given or taken from its metadata; None for any.
        source: its source; None for any.
        source_prefix: the beginning of its source; empty for any.
        external_id: its external id; empty for any.
        entity: the name of an entity it mentions; empty for any.
        text: part of its text, in any case; empty for any.
        times: tests of its times.
    """

    all_tags: tuple[str, ...] = ()
    any_tags: tuple[str, ...] = ()
    exact_tags: tuple[str, ...] | None = None
    thread: str | None = None
    source: str | None = None
    source_prefix: str = ""
    external_id: str = ""
    entity: str = ""
    text: str = ""
    times: tuple[TimeTest, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.used())

    def used(self) -> list[str]:
        """Return the names of the conditions that are set."""
        return [each.name for each in fields(self) if getattr(self, each.name) != each.default]

    def as_json(self) -> dict[str, Any]:
        """Render it for the record of a search."""
        values = {name: getattr(self, name) for name in self.used()}
        if self.times:
            values["times"] = [each.as_json() for each in self.times]
        return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}
