"""Where apps above memory take part in it: when memories change or are erased, and where a request names a space."""

from collections.abc import Callable, Sequence
from typing import Protocol
from uuid import UUID

from liftos.kernel.erasure.types import Going
from liftos.kernel.ports import NamedPort, Port
from memory.search.types import SearchRequest

Eraser = Callable[[Going], int]
"""Takes the memories that are erased together, inside the erasing transaction; returns how many rows it removed."""

Follower = Callable[[UUID, Sequence[UUID]], None]
"""Takes the organisation and memories that were stored, or whose text, metadata, vector or trust state changed.

It runs inside the changing transaction, after the change, and reads what it needs itself."""


class Spaces(Protocol):
    """An organisation's conceptual spaces; every method opens its own transaction."""

    def count(self, organisation: UUID) -> int:
        """Return how many spaces an organisation has made."""

    def expect(self, organisation: UUID) -> None:
        """Place memories that are stored from now on in the organisation's default space."""

    def has_placed(self, organisation: UUID, memory: UUID) -> bool:
        """Return whether a memory has a known coordinate in any space."""


class Scope(Protocol):
    """The members of a space, for searches confined to them."""

    def confine(self, organisation: UUID, request: SearchRequest) -> SearchRequest:
        """Return a request that names a space with the members it is confined to; outside of any transaction.

        Raises:
            LiftosError: the organisation has no such space.
        """

    def test(self, column: str) -> str:
        """Return SQL that is true where a column of memory ids holds a member of the space %(members_of)s."""


spaces: Port[Spaces] = Port("spaces", filled_by="spaces")
"""What memory's routes report about spaces. Filled by spaces."""

scope: Port[Scope] = Port("scope", filled_by="spaces")
"""Confines searches to the members of a space. Filled by spaces."""

erasers: NamedPort[Eraser] = NamedPort("erasers", filled_by="spaces and workflows")
"""Remove what other apps made of erased memories; names are keys of the receipt. Filled by spaces and workflows."""

followers: NamedPort[Follower] = NamedPort("followers", filled_by="spaces")
"""Follow changed memories, to place them anew. Filled by spaces."""


def erase_elsewhere(going: Going) -> dict[str, int]:
    """Run every eraser; return how many rows each removed."""
    return {name: eraser(going) for name, eraser in erasers().items()}


def tell_followers(organisation: UUID, memories: Sequence[UUID]) -> None:
    """Run every follower."""
    if memories:
        for follower in followers().values():
            follower(organisation, memories)
