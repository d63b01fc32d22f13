"""Who may use a thread next: no organisation takes them all, and costly requests take few.

Fair queueing by round robin over organisations (Nagle 1987, RFC 970), with two caps: an organisation's share of the threads, and the number of
costly requests (batches, bulk stores, reports) at once. Costly ones are bound by Python's interpreter lock: with more of them than cores, each
small request beside them waits for its turn at the lock behind all of them.

All of it runs on one event loop; nothing here is safe for threads.
"""

import asyncio
from collections import deque

from liftos.kernel.errors import Unavailable

MOST_WAITING = 1_000


class TooBusy(Unavailable):
    """Too many requests are waiting; try again."""

    code = "liftos.too_busy"


class Lanes:
    """Admits requests to a fixed number of threads.

    Args:
        threads: requests at work at once.
        share: of them, what one organisation may have, at least one.
        costly: requests at work at once that are marked costly, at least one.
    """

    def __init__(self, *, threads: int, share: float, costly: int) -> None:
        """Start empty."""
        self._free = threads
        self._share = max(1, int(threads * share))
        self._costly_free = max(1, min(costly, self._share))
        self._at_work: dict[str, int] = {}
        self._waiting: dict[tuple[str, bool], deque[asyncio.Future[None]]] = {}

    @property
    def waiting(self) -> int:
        """Requests that wait for a thread."""
        return sum(len(queue) for queue in self._waiting.values())

    def try_enter(self, organisation: str, *, costly: bool) -> bool:
        """Take a thread if one may be had at once."""
        if (organisation, costly) in self._waiting or not self._may(organisation, costly):
            return False
        self._take(organisation, costly)
        return True

    async def enter(self, organisation: str, *, costly: bool) -> None:
        """Wait for a thread; whoever returns from here must `leave`.

        Raises:
            TooBusy: too many of this organisation wait already.
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
                self.leave(organisation, costly=costly)  # the turn came while its owner gave up
            else:
                self._withdraw(organisation, costly, turn)
            raise

    def leave(self, organisation: str, *, costly: bool) -> None:
        """Give a thread back, and hand it to whoever is next."""
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
        """Give free threads to waiting requests, one from each queue in turn."""
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
            self._waiting[lane] = queue  # behind the others now
        self._take(*lane)
        turn.set_result(None)

    def _withdraw(self, organisation: str, costly: bool, turn: asyncio.Future[None]) -> None:
        queue = self._waiting.get((organisation, costly))
        if queue is not None and turn in queue:
            queue.remove(turn)
            if not queue:
                del self._waiting[organisation, costly]
