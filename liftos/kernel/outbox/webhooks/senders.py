"""The threads that send: two lanes, so that receivers that fail or hang take no thread from those that answer."""

import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

from django.conf import settings
from django.db import connection

from liftos.kernel.db.viewers import EVERYTHING, set_viewer
from liftos.kernel.outbox.webhooks.sending import send_for
from liftos.kernel.outbox.webhooks.statements import DUE

logger = logging.getLogger("liftos.events")


class Lane:
    """Threads for receivers that answered last time, or for those that failed."""

    def __init__(self, *, failing: bool) -> None:
        self._failing = failing
        self._busy: set[UUID] = set()
        self._lock = threading.Lock()
        self._pool: ThreadPoolExecutor | None = None

    def send_due(self) -> int:
        """Start to send to receivers with something due, as many as there are free threads; return their number."""
        threads = settings.LIFTOS_WEBHOOK_THREADS
        with self._lock:
            free = threads - len(self._busy)
            busy = set(self._busy)
        if free <= 0:
            return 0
        if self._pool is None:
            self._pool = ThreadPoolExecutor(threads, thread_name_prefix="webhooks")
        # those that are being sent to hold a lease
        due = [each for each in list_due(failing=self._failing, limit=free) if each[1] not in busy]
        for organisation, webhook in due:
            with self._lock:
                self._busy.add(webhook)
            self._pool.submit(self._send, organisation, webhook)
        return len(due)

    def _send(self, organisation: UUID, webhook: UUID) -> None:
        set_viewer(EVERYTHING)
        try:
            send_for(organisation, webhook)
        except Exception:
            # usually the database is down; the lease expires, and the delivery is repeated
            logger.exception("a sender failed")
        finally:
            connection.close()
            with self._lock:
                self._busy.discard(webhook)

    def wait(self) -> None:
        """Wait for the threads to end."""
        if self._pool is not None:
            self._pool.shutdown()
            self._pool = None


class Senders:
    """Both lanes."""

    def __init__(self) -> None:
        self._lanes = (Lane(failing=False), Lane(failing=True))

    def send_due(self) -> int:
        """Start to send what is due; return to how many receivers."""
        return sum(lane.send_due() for lane in self._lanes)

    def wait(self) -> None:
        """Wait for what is being sent."""
        for lane in self._lanes:
            lane.wait()


def list_due(*, failing: bool, limit: int) -> list[tuple[UUID, UUID]]:
    """Return organisations and webhooks with something to send. Spans tenants through a definer function."""
    with connection.cursor() as cursor:
        cursor.execute(DUE, [failing, limit])
        return [(row[0], row[1]) for row in cursor.fetchall()]


SENDERS = Senders()
