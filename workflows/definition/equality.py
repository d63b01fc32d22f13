"""Equality of JSON values by number: equal values get the same number, so that comparing many costs what reading them costs."""

from collections.abc import Callable
from typing import Any


class Unknown:
    """Stands in an argument for a value that a run will bring.

    Attributes:
        types: JSON Schema type names that it can have; None for any.
    """

    def __init__(self, types: frozenset[str] | None = None) -> None:
        """Make a stand-in."""
        self.types = types

    def __repr__(self) -> str:
        """Return what messages show."""
        return "what the reference brings"


class Equality:
    """Numbers values for as long as they live: 1 and 1.0 are equal, 1 and true are not, the order of members does not count.

    Keys of its table are texts: Python salts their hashes, while those of numbers and tuples can be made to collide.
    """

    def __init__(self, tick: Callable[[int], None]) -> None:
        """Begin with nothing numbered.

        Args:
            tick: told how many values and members are looked at.
        """
        self._tick = tick
        self._numbers: dict[str, int] = {}
        self._known: dict[int, int | None] = {}

    def number(self, value: Any) -> int | None:
        """Return a value's number, None if a part of it is unknown; each list and object is read once."""
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
        # True, False, None, and numbers as JSON writes them
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
