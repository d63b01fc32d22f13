"""Alerts of one process: logged once when a rate falls too low or events wait too long, and once when that has passed."""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass

from django.conf import settings
from django.db import DatabaseError, InterfaceError
from prometheus_client import Counter, Gauge

from liftos.kernel.embedding import get_manager
from liftos.kernel.outbox.backlog import read_backlog
from liftos.kernel.telemetry.manager import get_observability

logger = logging.getLogger("liftos.alerts")

ALERTS = Counter("liftos_alerts_total", "Alerts by name and change (raised, cleared)", ["alert", "change"])
ACTIVE = Gauge(
    "liftos_alert_active", "Whether an alert is raised now", ["alert"], multiprocess_mode="livemax"
)


@dataclass(frozen=True, slots=True)
class Threshold:
    """The rates at which an alert is raised and cleared.

    Attributes:
        below: raised below this rate, 0 to 1; 0 disables the alert.
        well_from: cleared at this rate or above, at least `below`; the gap prevents flapping.
        least: minimum number of events to evaluate.
    """

    below: float
    well_from: float
    least: int


class Alert:
    """Watches one rate, computed from cumulative counts.

    The rate covers the events since the last evaluation, so that a good hour does not hide a bad minute.
    """

    def __init__(self, name: str, threshold: Threshold, counts: Callable[[], tuple[int, int]]) -> None:
        """Create an alert that is not raised.

        Args:
            name: shown in logs and metrics.
            threshold: when it is raised and cleared.
            counts: returns the numbers of successful and of all events since the process started.
        """
        self.name = name
        self.threshold = threshold
        self.is_raised = False
        self._counts = counts
        self._judged = (0, 0)
        self._lock = threading.Lock()
        # create the series now: an expression over a missing series yields nothing
        ACTIVE.labels(name).set(0)
        for change in ("raised", "cleared"):
            ALERTS.labels(name, change)

    def look(self) -> bool:
        """Evaluate the events since the last evaluation if there are enough; return whether the alert is raised."""
        with self._lock:
            good, total = self._counts()
            fresh = total - self._judged[1]
            if fresh < 0:  # the counts were reset
                self._judged = good, total
            elif fresh >= self.threshold.least:
                share = (good - self._judged[0]) / fresh
                self._judged = good, total
                if not self.is_raised and share < self.threshold.below:
                    self._change("raised", share, fresh)
                elif self.is_raised and share >= self.threshold.well_from:
                    self._change("cleared", share, fresh)
            return self.is_raised

    def _change(self, change: str, share: float, events: int) -> None:
        self.is_raised = change == "raised"
        ALERTS.labels(self.name, change).inc()
        ACTIVE.labels(self.name).set(self.is_raised)
        logger.warning(
            "alert %s", change, extra={"alert": self.name, "share": round(share, 4), "events": events}
        )


class LagAlert:
    """Watches the age of the oldest event that waits for the relay, in all organisations."""

    name = "events_lag"

    def __init__(self) -> None:
        self.is_raised = False
        ACTIVE.labels(self.name).set(0)
        for change in ("raised", "cleared"):
            ALERTS.labels(self.name, change)

    def look(self) -> bool:
        """Return whether an event waits longer than LIFTOS_EVENTS_LAG_SECONDS; once raised, cleared at half of it."""
        limit = settings.LIFTOS_EVENTS_LAG_SECONDS
        try:
            lag = read_backlog().lag_seconds
        except (DatabaseError, InterfaceError):
            # the check of the database says so
            return self.is_raised
        if limit and not self.is_raised and lag > limit:
            self._change("raised", lag)
        elif self.is_raised and lag < limit / 2:
            self._change("cleared", lag)
        return self.is_raised

    def _change(self, change: str, lag: float) -> None:
        self.is_raised = change == "raised"
        ALERTS.labels(self.name, change).inc()
        ACTIVE.labels(self.name).set(self.is_raised)
        logger.warning("alert %s", change, extra={"alert": self.name, "lag_seconds": round(lag, 1)})


def _lookups() -> tuple[int, int]:
    stats = get_manager().stats()
    return int(stats["cache_hits"]), int(stats["total_operations"])


def _operations() -> tuple[int, int]:
    totals = get_observability().totals("memory.")
    return totals.successes, totals.count


def _threshold(name: str) -> Threshold:
    below = getattr(settings, f"LIFTOS_ALERT_{name}")
    well_from = max(below, getattr(settings, f"LIFTOS_ALERT_{name}_CLEAR"))
    return Threshold(below, well_from, settings.LIFTOS_ALERT_LEAST)


_alerts: list[Alert | LagAlert] = []


def alerts() -> list[Alert | LagAlert]:
    """Return this process's alerts, created on first use."""
    if not _alerts:
        _alerts.extend(
            [
                Alert("embedding_hit_rate", _threshold("HIT_RATE"), _lookups),
                Alert("success_rate", _threshold("SUCCESS_RATE"), _operations),
                LagAlert(),
            ]
        )
    return _alerts


def raised() -> list[str]:
    """Evaluate all alerts; return the names of those raised."""
    return [alert.name for alert in alerts() if alert.look()]
