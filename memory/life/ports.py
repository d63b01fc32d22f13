"""Where apps above memory take part in an erasure: each removes what it has made of the memory."""

from collections.abc import Callable
from uuid import UUID

Eraser = Callable[[UUID, UUID], int]
"""Takes the organisation and the memory, inside the erasing transaction; returns how many rows it removed."""

_erasers: dict[str, Eraser] = {}


def register_eraser(name: str, eraser: Eraser) -> None:
    """Have something removed with each erased memory; `name` stands in the receipt. A second registration replaces the first."""
    _erasers[name] = eraser


def erase_elsewhere(organisation: UUID, memory: UUID) -> dict[str, int]:
    """Run every eraser; return what each removed."""
    return {name: eraser(organisation, memory) for name, eraser in _erasers.items()}
