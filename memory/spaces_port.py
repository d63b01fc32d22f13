"""What memory's routes tell of conceptual spaces, which it does not know: filled by their app in AppConfig.ready."""

from typing import Protocol
from uuid import UUID


class Spaces(Protocol):
    """What there is to tell."""

    def count(self, organisation: UUID) -> int:
        """Return how many spaces an organisation has made; outside of any transaction."""

    def expect(self, organisation: UUID) -> None:
        """Have memories that are stored from now on placed in the organisation's default space; outside of any transaction."""

    def has_placed(self, organisation: UUID, memory: UUID) -> bool:
        """Tell whether a memory has a known coordinate in any space; outside of any transaction."""


_spaces: Spaces | None = None


def fill_spaces(found: Spaces) -> None:
    """Install what knows spaces; called once, by their app."""
    global _spaces
    _spaces = found


def spaces() -> Spaces:
    """Return what knows spaces."""
    if _spaces is None:
        raise RuntimeError("nothing that knows spaces is installed: call django.setup() first")
    return _spaces
