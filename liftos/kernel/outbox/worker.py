"""The relay's thread, one in each worker process; any number of them share the work."""

import logging
import threading
from random import uniform
from time import monotonic

from django.conf import settings
from django.db import connection

from liftos.kernel.db.viewers import EVERYTHING, set_viewer
from liftos.kernel.outbox.backlog import read_backlog
from liftos.kernel.outbox.relay import relay_all
from liftos.kernel.outbox.webhooks.senders import SENDERS

logger = logging.getLogger("liftos.events")

OBSERVE_SECONDS = 5.0
"""How often the backlog's metrics are set."""
RETRY_SECONDS = 1.0
"""How often subscribers that are behind are looked for."""


class Relay:
    """Relays events until stopped, in a daemon thread."""

    def __init__(self) -> None:
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()

    def start(self) -> None:
        """Start the thread, if it is not running."""
        if self._thread is None or not self._thread.is_alive():
            self._stop.clear()
            self._thread = threading.Thread(target=self._run, name="relay", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Stop the thread and wait for it."""
        self._stop.set()
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.join()

    def _run(self) -> None:
        # a thread of its own: what it sees does not outlive it
        set_viewer(EVERYTHING)
        next_retry = next_figures = 0.0
        while not self._stop.wait(settings.LIFTOS_EVENTS_DELAY_SECONDS * uniform(0.75, 1.25)):  # noqa: S311
            retry = monotonic() >= next_retry
            if retry:
                next_retry = monotonic() + RETRY_SECONDS
            try:
                relay_all(retry=retry)
                SENDERS.send_due()
                if monotonic() >= next_figures:
                    next_figures = monotonic() + OBSERVE_SECONDS
                    read_backlog()
            except Exception:
                # usually the database is down; nothing is lost meanwhile
                logger.exception("the relay failed; retrying")
                self._stop.wait(RETRY_SECONDS)
            finally:
                connection.close()


RELAY = Relay()
