"""Small requests first: costly work in the same process pauses at checkpoints while small requests run.

All threads of a process share one interpreter lock. A request waits for Postgres several times and must take the lock again after each answer; a thread
that computes keeps it for a switch interval, or for as long as one call into C takes. Listing one memory took 1.3 ms alone and 4 ms (p95 8 ms) during
batches. A costly request therefore calls `give_way` between small pieces of its work. A call costs 0.1 µs when no small request runs.

Pauses are limited, so that costly work makes progress during any number of small requests, and a small request that waits for a lock held by
costly work gets it:

- A request counts as small for its first `SMALL_SECONDS`.
- Costly work may pause for `MOST_PAUSE`, plus `PAUSE_PER_WORK` times the processor time it has used.
- After a pause that timed out (small requests follow one another without a gap), the next one needs `WORK_AFTER_TIMEOUT` of processor time.
"""

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from threading import Condition, Lock
from time import monotonic, thread_time
from typing import TypeVar

Item = TypeVar("Item")

SMALL_SECONDS = 0.02
PAUSE_PER_WORK = 4.0
MOST_PAUSE = 0.02
# pauses that would have to be shorter are skipped: passing the lock back and forth would cost more than they gain
LEAST_PAUSE = 0.005
# processor seconds
WORK_AFTER_TIMEOUT = 0.01
# the interpreter's switch interval during costly work: what runs between two checkpoints delays small requests by at most this
SWITCH_SECONDS = 0.0001


class Precedence:
    """The requests at work in one process. Safe for threads."""

    def __init__(self) -> None:
        """Start with none."""
        self._begun: dict[object, float] = {}
        self._ended = Condition()
        self._pausing = 0
        self._lock = Lock()
        self._costly = 0
        self._usual_switch = 0.0

    @contextmanager
    def small(self) -> Iterator[None]:
        """Count a request as small for a block; costly ones pause meanwhile."""
        key = object()
        self._begun[key] = monotonic()
        try:
            yield
        finally:
            del self._begun[key]
            if self._pausing and self._small_until() <= monotonic():
                with self._ended:
                    self._ended.notify_all()

    @contextmanager
    def costly(self) -> Iterator[None]:
        """Have the work of a block give way at its checkpoints."""
        self._change_costly(1)
        token = _current.set(_Costly(self))
        try:
            yield
        finally:
            _current.reset(token)
            self._change_costly(-1)

    @property
    def has_small(self) -> bool:
        """Whether any request counted as small is at work, however long already."""
        return bool(self._begun)

    def wait(self, seconds: float) -> bool:
        """Wait until no small request is at work, so many seconds at most; return whether none is."""
        end = monotonic() + seconds
        with self._ended:
            self._pausing += 1
            try:
                while (left := min(end, self._small_until()) - monotonic()) > 0:
                    self._ended.wait(left)
            finally:
                self._pausing -= 1
        is_over = self._small_until() <= monotonic()
        # small requests without a gap delay each other: a shorter interval would slow costly work and gain nothing
        sys.setswitchinterval(self._quick_switch if is_over else self._usual_switch)
        return is_over

    def _small_until(self) -> float:
        """Return when the youngest request will not be small any more."""
        return max(list(self._begun.values()), default=float("-inf")) + SMALL_SECONDS

    @property
    def _quick_switch(self) -> float:
        return min(self._usual_switch, SWITCH_SECONDS)

    def _change_costly(self, by: int) -> None:
        with self._lock:
            if not self._costly:
                self._usual_switch = sys.getswitchinterval()
                sys.setswitchinterval(self._quick_switch)
            self._costly += by
            if not self._costly:
                sys.setswitchinterval(self._usual_switch)


class _Costly:
    """One costly piece of work, in its thread: how long it may still pause."""

    __slots__ = ("_credit", "_precedence", "_worked")

    def __init__(self, precedence: Precedence) -> None:
        self._precedence = precedence
        self._credit = MOST_PAUSE
        self._worked = thread_time()

    def give_way(self) -> None:
        if not self._precedence.has_small:
            return
        worked = thread_time()
        self._credit = min(MOST_PAUSE, self._credit + PAUSE_PER_WORK * (worked - self._worked))
        self._worked = worked
        if self._credit >= LEAST_PAUSE:
            began = monotonic()
            if self._precedence.wait(self._credit):
                self._credit -= monotonic() - began
            else:
                self._credit = -PAUSE_PER_WORK * WORK_AFTER_TIMEOUT


_current: ContextVar[_Costly | None] = ContextVar("liftos_costly", default=None)


def give_way() -> None:
    """Pause while small requests run, if the current work is costly; see the module for how long."""
    costly = _current.get()
    if costly is not None:
        costly.give_way()


def giving_way(items: Iterable[Item]) -> Iterator[Item]:
    """Yield items, and give way before each."""
    for item in items:
        give_way()
        yield item
