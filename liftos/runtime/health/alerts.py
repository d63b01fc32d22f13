"""Alerts of one process: a share that falls too low is told once, and once more when it is well again."""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass

from django.conf import settings
from prometheus_client import Counter, Gauge

from liftos.kernel.embedding import get_manager
from liftos.kernel.telemetry.manager import get_observability

logger = logging.getLogger("liftos.alerts")

ALERTS = Counter("liftos_alerts_total", "Alerts by name and what became of them", ["alert", "change"])
ACTIVE = Gauge(
    "liftos_alert_active", "Whether an alert is raised now", ["alert"], multiprocess_mode="livemax"
)


@dataclass(frozen=True, slots=True)
class Threshold:
    """When a share is too low, and when it is well again.

    Attributes:
        below: raised under this, 0 to 1; 0 never.
        well_from: cleared at this or above; not under `below`. The gap keeps a share that wavers from flapping.
        least: so many events at least are looked at together; fewer change nothing.
    """

    below: float
    well_from: float
    least: int


class Alert:
    """Watches one share, from counts that only grow.

    The share is that of the events since the last judgement, so that an hour of good ones does not hide a bad minute.
    """

    def __init__(self, name: str, threshold: Threshold, counts: Callable[[], tuple[int, int]]) -> None:
        """Make an alert that is not raised.

        Args:
            name: shown in logs and metrics.
            threshold: when it is raised and cleared.
            counts: returns how many events went well, and how many there were, since the process began.
        """
        self.name = name
        self.threshold = threshold
        self.is_raised = False
        self._counts = counts
        self._judged = (0, 0)
        self._lock = threading.Lock()
        # there from the start: an expression over a series that does not exist yet says nothing, not "well"
        ACTIVE.labels(name).set(0)
        for change in ("raised", "cleared"):
            ALERTS.labels(name, change)

    def look(self) -> bool:
        """Judge what has happened since the last judgement, if it is enough; return whether the alert is raised."""
        with self._lock:
            good, total = self._counts()
            fresh = total - self._judged[1]
            if fresh < 0:  # the counts were begun anew
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


_alerts: list[Alert] = []


def alerts() -> list[Alert]:
    """Return this process's alerts, made on first use."""
    if not _alerts:
        _alerts.extend(
            [
                Alert("embedding_hit_rate", _threshold("HIT_RATE"), _lookups),
                Alert("success_rate", _threshold("SUCCESS_RATE"), _operations),
            ]
        )
    return _alerts


def raised() -> list[str]:
    """Look at all alerts; return the names of those that are raised."""
    return [alert.name for alert in alerts() if alert.look()]
