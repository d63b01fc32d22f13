"""Where the app of spaces confines searches to the members of one. Memory knows no spaces, only that they have members."""

from typing import Protocol
from uuid import UUID

from memory.search.types import SearchRequest


class Scope(Protocol):
    """Knows spaces by their ids."""

    def confine(self, organisation: UUID, request: SearchRequest) -> SearchRequest:
        """Return a request that names a space with what its search has to be confined to; outside of any transaction.

        Raises:
            LiftosError: the organisation has no such space.
        """

    def test(self, column: str) -> str:
        """Return SQL that is true of the memory ids in a column that are members of the space %(members_of)s."""


_scope: Scope | None = None


def fill_scope(found: Scope) -> None:
    """Install what knows spaces; called once, by their app."""
    global _scope
    _scope = found


def scope() -> Scope:
    """Return what knows spaces."""
    if _scope is None:
        raise RuntimeError("nothing that confines searches to spaces is installed: call django.setup() first")
    return _scope
