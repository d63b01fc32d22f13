"""Fair queueing for threads: no organisation gets all of them, and costly requests get few.

Round robin over organisations (Nagle 1987, RFC 970) with two limits: an organisation's share of the threads, and the number
of concurrent costly requests (batches, bulk stores, reports). Costly requests are bound by Python's interpreter lock: with
more of them than cores, every small request waits for the lock behind all of them.

Runs on one event loop; not thread-safe.
"""

import asyncio
from collections import deque

from liftos.kernel.errors import Unavailable

MOST_WAITING = 1_000


class TooBusy(Unavailable):
    """Too many requests are waiting; try again."""


class Lanes:
    """Admits requests to a fixed number of threads.

    Args:
        threads: concurrent requests.
        share: maximum share of one organisation, at least one thread.
        costly: concurrent costly requests, at least one.
    """

    def __init__(self, *, threads: int, share: float, costly: int) -> None:
        """Start without requests."""
        self._free = threads
        self._share = max(1, int(threads * share))
        self._costly_free = max(1, min(costly, self._share))
        self._at_work: dict[str, int] = {}
        self._waiting: dict[tuple[str, bool], deque[asyncio.Future[None]]] = {}

    @property
    def waiting(self) -> int:
        """Number of waiting requests."""
        return sum(len(queue) for queue in self._waiting.values())

    def try_enter(self, organisation: str, *, costly: bool) -> bool:
        """Take a thread if one is available; return whether one was taken."""
        if (organisation, costly) in self._waiting or not self._may(organisation, costly):
            return False
        self._take(organisation, costly)
        return True

    async def enter(self, organisation: str, *, costly: bool) -> None:
        """Wait for a thread; call `leave` afterwards.

        Raises:
            TooBusy: too many requests of this organisation are waiting.
        """
        queue = self._waiting.setdefault((organisation, costly), deque())
        if len(queue) >= MOST_WAITING:
            raise TooBusy
        turn = asyncio.get_running_loop().create_future()
        queue.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.leave(organisation, costly=costly)  # admitted while being cancelled
            else:
                self._withdraw(organisation, costly, turn)
            raise

    def leave(self, organisation: str, *, costly: bool) -> None:
        """Return a thread and admit waiting requests."""
        self._free += 1
        self._costly_free += costly
        left = self._at_work[organisation] - 1
        if left:
            self._at_work[organisation] = left
        else:
            del self._at_work[organisation]
        self._admit()

    def _may(self, organisation: str, costly: bool) -> bool:
        return (
            self._free > 0
            and self._at_work.get(organisation, 0) < self._share
            and (not costly or self._costly_free > 0)
        )

    def _take(self, organisation: str, costly: bool) -> None:
        self._free -= 1
        self._costly_free -= costly
        self._at_work[organisation] = self._at_work.get(organisation, 0) + 1

    def _admit(self) -> None:
        """Assign free threads to waiting requests, one per queue in turn."""
        admitted = True
        while admitted and self._free > 0:
            admitted = False
            for lane in list(self._waiting):
                if self._may(*lane):
                    self._admit_first(lane)
                    admitted = True

    def _admit_first(self, lane: tuple[str, bool]) -> None:
        queue = self._waiting.pop(lane)
        turn = queue.popleft()
        if queue:
            self._waiting[lane] = queue  # at the end of the round
        self._take(*lane)
        turn.set_result(None)

    def _withdraw(self, organisation: str, costly: bool, turn: asyncio.Future[None]) -> None:
        queue = self._waiting.get((organisation, costly))
        if queue is not None and turn in queue:
            queue.remove(turn)
            if not queue:
                del self._waiting[organisation, costly]
