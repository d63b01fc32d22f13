"""Where apps above accountability name the decisions about one of their things whose records name many, or none.

A bulk store has one record for hundreds of memories, and no subject. Each memory keeps that record's id, so nothing has to be
written here for it. Filled in `AppConfig.ready`.
"""

from collections.abc import Callable, Sequence
from uuid import UUID

Finder = Callable[[UUID, UUID], Sequence[UUID]]
"""Takes the organisation and a thing's id, inside the tenant transaction; returns decisions of that organisation."""

_finders: dict[str, Finder] = {}


def register_finder(kind: str, finder: Finder) -> None:
    """Have a kind of thing tell its decisions. A second registration under a kind replaces the first."""
    _finders[kind] = finder


def decisions_about(organisation: UUID, subject: str) -> list[UUID]:
    """Return the decisions that the keepers of things name for a subject's id; none for what is no UUID."""
    try:
        thing = UUID(subject)
    except ValueError:
        return []
    return [decision for finder in _finders.values() for decision in finder(organisation, thing)]
