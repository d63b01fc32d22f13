"""The thread that reads events for all open streams of a process.

It asks for the organisations' last sequence numbers in one statement, and reads only where something is new; streams that are at the same
place and see the same share what is read.
"""

import logging
import os
import threading
from collections import defaultdict
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from time import monotonic
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import connection

from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.db.viewers import viewing
from liftos.kernel.errors import LiftosError
from liftos.kernel.outbox.relay import read_after
from liftos.kernel.outbox.statements import LAST_OF_EACH
from liftos.kernel.outbox.stream.errors import StreamsFull, TooManyStreams
from liftos.kernel.outbox.stream.listeners import Listener
from liftos.kernel.outbox.stream.wire import as_chunks
from liftos.kernel.telemetry.metrics.events import STREAMS
from liftos.kernel.tenancy.types import Principal

logger = logging.getLogger("liftos.events")

BATCH: Final = 200
"""Events read at once for a stream."""
CHUNK_BYTES: Final = 64 * 1024
FRESH_SECONDS: Final = 1.0
"""Events are sent by rights that are at most this old."""
RENEW_SECONDS: Final = 2.0
"""How often a stream without events is checked for lost rights."""
RETRY_SECONDS: Final = 1.0


class Feed:
    """The open streams of a process.

    Args:
        has_thread: whether a thread feeds them while there are some; otherwise whoever calls `round` does.
    """

    def __init__(self, *, has_thread: bool = True) -> None:
        self._has_thread = has_thread
        self._listeners: set[Listener] = set()
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None
        self._closed = False

    def check_room(self, principal: Principal) -> None:
        """Refuse a caller's next stream if there is no room for it.

        Raises:
            TooManyStreams: its key has as many as it may have.
            StreamsFull: the process, or the organisation's share of it, is full; or the process is about to end.
        """
        with self._lock:
            if self._closed:
                raise StreamsFull
            open_ = list(self._listeners)
        who = (principal.organisation, principal.actor.kind, principal.actor.id)
        if sum(each.key == who for each in open_) >= settings.LIFTOS_STREAMS_PER_KEY:
            raise TooManyStreams(retry_after=max(1, int(settings.LIFTOS_STREAM_HEARTBEAT_SECONDS)))
        of_organisation = sum(each.organisation == principal.organisation for each in open_)
        most = settings.LIFTOS_STREAMS
        if len(open_) >= most or of_organisation >= max(1, int(most * settings.LIFTOS_WEB_SHARE)):
            raise StreamsFull

    async def serve(self, listener: Listener) -> AsyncGenerator[bytes]:
        """Yield a listener's bytes until it ends; nothing if there is no room for it any more."""
        try:
            self.check_room(listener.principal)
        except LiftosError:
            return
        with self._lock:
            self._listeners.add(listener)
            STREAMS.set(len(self._listeners))
            if self._thread is None and self._has_thread:
                self._thread = threading.Thread(target=self._run, name="streams", daemon=True)
                self._thread.start()
        try:
            async with aclosing(listener.chunks()) as chunks:
                async for chunk in chunks:
                    yield chunk
        finally:
            with self._lock:
                self._listeners.discard(listener)
                STREAMS.set(len(self._listeners))

    def wake(self) -> None:
        """Have the thread look for events now."""
        self._wake.set()

    def close(self) -> None:
        """End all streams, and refuse others from now on."""
        with self._lock:
            self._closed = True
            open_ = list(self._listeners)
        for each in open_:
            each.end()

    def round(self) -> None:
        """Give each stream that is ready its next events; end those whose callers have lost access."""
        with self._lock:
            ready = [each for each in self._listeners if each.is_ready]
        last = _last_of({each.organisation for each in ready})
        behind = [each for each in ready if each.position < last.get(each.organisation, 0)]
        ahead = {id(each) for each in behind}
        for each in ready:
            self._renew(each, FRESH_SECONDS if id(each) in ahead else RENEW_SECONDS)
        for group in _alike(each for each in behind if each.is_ready):
            _read_for(group, last[group[0].organisation])
        if any(each.is_ready and each.position < last[each.organisation] for each in behind):
            self.wake()

    def _renew(self, listener: Listener, seconds: float) -> None:
        if monotonic() - listener.renewed_at < seconds:
            return
        try:
            principal = listener.renew()
        except LiftosError as error:
            logger.info("stream ended", extra={"code": error.code})
            listener.end()
            return
        if principal.organisation != listener.organisation:
            listener.end()
            return
        listener.principal, listener.renewed_at = principal, monotonic()

    def _run(self) -> None:
        while self._is_needed():
            self._wake.wait(settings.LIFTOS_EVENTS_DELAY_SECONDS)
            self._wake.clear()
            try:
                self.round()
            except Exception:
                # usually the database is down; streams stay open and lose nothing
                logger.exception("streams could not be fed; retrying")
                self._wake.wait(RETRY_SECONDS)
            finally:
                connection.close()

    def _is_needed(self) -> bool:
        with self._lock:
            if self._listeners:
                return True
            self._thread = None
            return False


def _last_of(organisations: set[UUID]) -> dict[UUID, int]:
    """Return the last sequence numbers. Spans tenants through a definer function."""
    if not organisations:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(LAST_OF_EACH, [list(organisations)])
        return dict(cursor.fetchall())


def _alike(listeners: Iterable[Listener]) -> list[list[Listener]]:
    """Return listeners grouped by what they read next: organisation, place, visible scopes."""
    groups: dict[object, list[Listener]] = defaultdict(list)
    for each in listeners:
        groups[each.organisation, each.position, each.principal.viewer.sight].append(each)
    return list(groups.values())


def _read_for(group: list[Listener], last: int) -> None:
    """Give the next events to listeners that are at one place and see the same.

    Args:
        group: the listeners.
        last: their organisation's last number, read before: up to there nothing is missing.
    """
    first = group[0]
    with viewing(first.principal.viewer), tenant_transaction(first.organisation):
        events = read_after(organisation=first.organisation, sequence=first.position, limit=BATCH)
    reached = (
        events[-1].sequence if len(events) == BATCH else max([last, *(each.sequence for each in events)])
    )
    for each in group:
        wanted = [event for event in events if each.wants(event)]
        each.advance(reached, as_chunks(wanted, most=CHUNK_BYTES))


FEED = Feed()
# the lock may have been held by a thread that does not exist in the child
os.register_at_fork(after_in_child=lambda: FEED.__init__())  # type: ignore[misc]
