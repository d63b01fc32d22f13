"""Where apps above memory take part in a memory's life: when it comes, changes or goes, and when it is erased."""

from collections.abc import Callable, Sequence
from uuid import UUID

from liftos.kernel.erasure.types import Going

Eraser = Callable[[UUID, UUID], int]
"""Takes the organisation and the memory, inside the erasing transaction; returns how many rows it removed."""

SetEraser = Callable[[Going], int]
"""Takes all memories that are being erased together, inside the erasing transaction; returns how many rows it removed."""

Follower = Callable[[UUID, Sequence[UUID]], None]
"""Takes the organisation and memories that were stored, or whose text, metadata, vector or trust state has changed.

It runs inside the changing transaction, after the change, and reads what it needs itself."""

_erasers: dict[str, SetEraser] = {}
_followers: dict[str, Follower] = {}


def register_eraser(name: str, eraser: Eraser) -> None:
    """Have something removed with each erased memory; `name` stands in the receipt. A second registration replaces the first."""
    _erasers[name] = lambda going: sum(eraser(going.organisation, each) for each in going.memories)


def register_set_eraser(name: str, eraser: SetEraser) -> None:
    """Have something removed with all memories that are erased together. A second registration replaces the first."""
    _erasers[name] = eraser


def erase_elsewhere(going: Going) -> dict[str, int]:
    """Run every eraser; return what each removed."""
    return {name: eraser(going) for name, eraser in _erasers.items()}


def register_follower(name: str, follower: Follower) -> None:
    """Have something follow what becomes of memories. A second registration under a name replaces the first."""
    _followers[name] = follower


def tell_followers(organisation: UUID, memories: Sequence[UUID]) -> None:
    """Run every follower."""
    if memories:
        for follower in _followers.values():
            follower(organisation, memories)
