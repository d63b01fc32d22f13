"""Shapes that readers of other products' exports yield."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Memory = dict[str, Any]
"""A memory as a line of an import: content, source, external_id, metadata, …"""


class UnreadableExport(Exception):
    """The file is not an export of this kind; the message says why."""


@dataclass(slots=True)
class LeftOut:
    """Things that have no place here, counted by reason, with the first of each.

    Attributes:
        counts: by reason.
        examples: where the first one of a reason is.
    """

    counts: Counter[str] = field(default_factory=Counter)
    examples: dict[str, str] = field(default_factory=dict)

    def note(self, reason: str, where: str, number: int = 1) -> None:
        """Count something."""
        if number:
            self.counts[reason] += number
            self.examples.setdefault(reason, where)


Reader = Callable[[Path, LeftOut], Iterator[Memory]]
"""Yields the memories of an export. Raises UnreadableExport."""


def memory(
    source: str,
    external_id: str,
    content: str,
    *,
    memory_type: str = "",
    metadata: dict[str, Any] | None = None,
    **fields: Any,
) -> Memory:
    """Return a memory; empty fields and metadata are left out."""
    kept = {name: value for name, value in (metadata or {}).items() if value not in (None, "", [], {})}
    given = {"memory_type": memory_type, "metadata": kept} | fields
    return {"content": content, "source": source, "external_id": external_id} | {
        name: value for name, value in given.items() if value not in (None, "", [], {})
    }
