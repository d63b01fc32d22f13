"""Where the app of spaces confines searches to the members of one. Memory knows no spaces, only that they have members."""

from typing import Protocol
from uuid import UUID

from liftos.errors import InvalidInput
from memory.search.types import SearchRequest


class NoSpaces(InvalidInput):
    """There are no conceptual spaces in this installation."""

    code = "memory.no_spaces"


class Scope(Protocol):
    """Knows spaces by their ids."""

    def confine(self, organisation: UUID, request: SearchRequest) -> SearchRequest:
        """Return a request that names a space with what its search has to be confined to; outside of any transaction.

        Raises:
            LiftosError: the organisation has no such space.
        """

    def test(self, column: str) -> str:
        """Return SQL that is true of the memory ids in a column that are members of the space %(members_of)s."""


class _None:
    def confine(self, organisation: UUID, request: SearchRequest) -> SearchRequest:
        del organisation, request
        raise NoSpaces(loc=("space",))

    def test(self, column: str) -> str:
        del column
        return "false"


_scope: Scope = _None()


def register_scope(found: Scope) -> None:
    """Install what knows spaces; called once, by their app."""
    global _scope
    _scope = found


def scope() -> Scope:
    """Return what knows spaces."""
    return _scope
