"""The types of events that the product emits; docs/events.md is generated from them."""

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase

from liftos.kernel.outbox.types import EventType
from liftos.kernel.tenancy.types import Scope

OWN = "liftos."
"""The product's types begin with this; others are callers' own."""
FOREIGN_REQUIRES = Scope.MEMORY_READ
"""The scope without which nobody receives events of callers' own types."""
_types: dict[str, EventType] = {}


def declare_events(*types: EventType) -> None:
    """Add types to the catalogue; called by each app when Django starts."""
    _types.update({each.name: each for each in types})


def event_types() -> Mapping[str, EventType]:
    """Return the declared types by name, sorted."""
    return dict(sorted(_types.items()))


def required_scope(name: str) -> Scope:
    """Return the scope without which nobody receives events of a type."""
    found = _types.get(name)
    return FOREIGN_REQUIRES if found is None else found.requires


def is_wanted(name: str, patterns: Iterable[str]) -> bool:
    """Return whether a type is among some patterns: names, or beginnings that end with `*`."""
    return any(fnmatchcase(name, each) for each in patterns)


def unknown_patterns(patterns: Iterable[str]) -> list[str]:
    """Return the patterns of the product's own types that match none of them."""
    return [
        each
        for each in patterns
        if each.startswith(OWN) and not any(fnmatchcase(name, each) for name in _types)
    ]
