"""The events that wait for the relay, in all organisations together."""

from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from django.utils import timezone

from liftos.kernel.outbox.statements import BACKLOG
from liftos.kernel.telemetry.metrics.events import BEHIND, LAG, PENDING, WAITING


@dataclass(frozen=True, slots=True)
class Backlog:
    """Events and deliveries that wait; numbers are counted up to 100,000.

    Attributes:
        waiting: events that the relay has not put in order.
        lag_seconds: age of the oldest of them.
        behind: subscribers of organisations that failed and will be called again.
        deliveries: to webhooks, that are not delivered.
    """

    waiting: int
    lag_seconds: float
    behind: int
    deliveries: int


def read_backlog() -> Backlog:
    """Return the backlog and set its metrics."""
    with connection.cursor() as cursor:
        cursor.execute(BACKLOG)
        waiting, oldest, behind, deliveries = cursor.fetchone()
    found = Backlog(waiting, _age(oldest), behind, deliveries)
    WAITING.set(found.waiting)
    LAG.set(found.lag_seconds)
    BEHIND.set(found.behind)
    PENDING.set(found.deliveries)
    return found


def _age(oldest: datetime | None) -> float:
    return 0.0 if oldest is None else max(0.0, (timezone.now() - oldest).total_seconds())
