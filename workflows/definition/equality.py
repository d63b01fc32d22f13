"""Equality of JSON values in linear time: equal values get the same number."""

from collections.abc import Callable
from typing import Any


class Unknown:
    """A placeholder in arguments for a value that is known only in a run.

    Attributes:
        types: possible JSON Schema type names; None for any.
    """

    def __init__(self, types: frozenset[str] | None = None) -> None:
        """Create a placeholder."""
        self.types = types

    def __repr__(self) -> str:
        """Return the text for messages."""
        return "the reference's value"


class Equality:
    """Numbers values during their lifetime: 1 and 1.0 are equal, 1 and true are not, the order of members does not matter.

    The table's keys are strings, because Python salts their hashes, while numbers and tuples can be crafted to collide.
    """

    def __init__(self, tick: Callable[[int], None]) -> None:
        """Create an empty table; `tick` is called with the number of values read."""
        self._tick = tick
        self._numbers: dict[str, int] = {}
        self._known: dict[int, int | None] = {}

    def number(self, value: Any) -> int | None:
        """Return a value's number, or None if a part of it is unknown; each list and object is read once."""
        if isinstance(value, str):
            return self._numbered(f"s{value}")
        if isinstance(value, list | dict):
            if id(value) not in self._known:
                self._tick(len(value) + 1)
                self._known[id(value)] = (
                    self._of_list(value) if isinstance(value, list) else self._of_object(value)
                )
            return self._known[id(value)]
        if isinstance(value, Unknown):
            return None
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        # true, false, null and numbers
        return self._numbered(f"v{value!r}")

    def _of_list(self, value: list[Any]) -> int | None:
        parts = [self.number(each) for each in value]
        return None if None in parts else self._numbered(f"[{','.join(map(str, parts))}")

    def _of_object(self, value: dict[str, Any]) -> int | None:
        parts = [(self._numbered(f"s{key}"), self.number(member)) for key, member in value.items()]
        if any(member is None for _, member in parts):
            return None
        return self._numbered("{" + ",".join(f"{key}:{member}" for key, member in sorted(parts)))

    def _numbered(self, text: str) -> int:
        return self._numbers.setdefault(text, len(self._numbers))
