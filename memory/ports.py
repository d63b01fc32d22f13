"""Ports for the apps above memory: changed and erased memories, and searches within spaces."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol
from uuid import UUID

from liftos.kernel.erasure.types import Going, Person
from liftos.kernel.ports import NamedPort, Port
from memory.search.types import SearchRequest

Eraser = Callable[[Going], int]
"""Removes rows about memories that are erased together, inside the erasing transaction; returns their number."""

Follower = Callable[[UUID, Sequence[UUID]], None]
"""Is called with an organisation and memories that were stored, or whose text, metadata, vector or trust state changed.

Runs inside the same transaction, after the change."""


Exporter = Callable[[UUID, Person], Iterator[dict[str, Any]]]
"""Yields what an app stores of a person, as far as the caller may see it; opens its own transactions."""


class Spaces(Protocol):
    """An organisation's conceptual spaces; every method opens its own transaction."""

    def count(self, organisation: UUID) -> int:
        """Return an organisation's number of spaces."""

    def expect(self, organisation: UUID) -> None:
        """Start to place stored memories in the organisation's default space."""

    def has_placed(self, organisation: UUID, memory: UUID) -> bool:
        """Return whether a memory has a known coordinate in any space."""


class Scope(Protocol):
    """Restricts searches to the members of a space."""

    def confine(self, organisation: UUID, request: SearchRequest) -> SearchRequest:
        """Return a request that names a space with its restriction; call outside a transaction.

        Raises:
            LiftosError: the organisation has no such space.
        """

    def test(self, column: str) -> str:
        """Return an SQL condition that a column of memory ids is a member of the space %(members_of)s."""


spaces: Port[Spaces] = Port("spaces", filled_by="spaces")
"""Statistics of spaces for memory's routes. Filled by spaces."""

scope: Port[Scope] = Port("scope", filled_by="spaces")
"""Restricts searches to the members of a space. Filled by spaces."""

erasers: NamedPort[Eraser] = NamedPort("erasers", filled_by="spaces and workflows")
"""Remove other apps' rows about erased memories; names are keys in the receipt. Filled by spaces and workflows."""

exporters: NamedPort[Exporter] = NamedPort("exporters", filled_by="workflows")
"""Export other apps' rows of a person; names are the `type` of the lines. Filled by workflows."""

followers: NamedPort[Follower] = NamedPort("followers", filled_by="spaces and workflows")
"""Update placements and rows made of changed memories. Filled by spaces and workflows."""


def erase_elsewhere(going: Going) -> dict[str, int]:
    """Run every eraser; return the number of rows removed by each."""
    return {name: eraser(going) for name, eraser in erasers().items()}


def tell_followers(organisation: UUID, memories: Sequence[UUID]) -> None:
    """Run every follower."""
    if memories:
        for follower in followers().values():
            follower(organisation, memories)
