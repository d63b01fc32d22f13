"""Subscribers: functions that the relay calls with an organisation's events, in order.

A subscriber's position is stored in the transaction in which its handler writes, so that whatever the handler does in the database
happens once for each event, also after a crash. A handler that fails is called again later with the same events; the
organisation's further events wait for it, those of other organisations and subscribers don't.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from liftos.kernel.outbox.catalogue import is_wanted
from liftos.kernel.outbox.types import Event
from liftos.kernel.telemetry.metrics.events import SUBSCRIBER_FAILURES

Handler = Callable[[UUID, Sequence[Event]], None]
"""Handles events of an organisation, inside a tenant transaction that sees everything: quick, and with effects in Postgres only."""


@dataclass(frozen=True, slots=True)
class Subscriber:
    """A named function and the types of events that it wants."""

    name: str
    handler: Handler
    types: tuple[str, ...]

    def wants(self, event: Event) -> bool:
        """Return whether the subscriber wants an event."""
        return is_wanted(event.type, self.types)


_subscribers: dict[str, Subscriber] = {}


def subscribe(name: str, handler: Handler, *, types: Sequence[str] = ("*",)) -> None:
    """Register a subscriber; call this in `AppConfig.ready`, in every process.

    Args:
        name: under which its positions are stored; it must never change. A new subscriber begins with the oldest kept event.
        handler: called with at least one event, ordered by sequence.
        types: names of types, or beginnings that end with `*`.
    """
    _subscribers[name] = Subscriber(name, handler, tuple(types))
    SUBSCRIBER_FAILURES.labels(name)


def unsubscribe(name: str) -> None:
    """Remove a subscriber from this process; its positions stay."""
    _subscribers.pop(name, None)


def subscribers() -> Mapping[str, Subscriber]:
    """Return the subscribers by name."""
    return dict(_subscribers)
