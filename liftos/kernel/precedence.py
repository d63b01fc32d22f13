"""Small requests first: costly work in the same process pauses at checkpoints while small requests run.

All threads of a process share one interpreter lock. A request waits for Postgres several times and must take the lock again
after each answer; a computing thread keeps it for a switch interval, or for the duration of one call into C. Listing one
memory took 1.3 ms alone and 4 ms (p95 8 ms) during batches. Costly requests therefore call `give_way` between small pieces of
work. A call costs 0.1 µs when no small request runs.

Pauses are limited, so that costly work always makes progress and releases locks that small requests may wait for:

- A request counts as small for its first `SMALL_SECONDS`.
- Costly work may pause for `MOST_PAUSE`, plus `PAUSE_PER_WORK` times the CPU time it has used.
- After a pause that timed out (small requests arrive without a gap), the next one requires `WORK_AFTER_TIMEOUT` of CPU time.
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
# shorter pauses are skipped: passing the lock back and forth would cost more than they gain
LEAST_PAUSE = 0.005
# processor seconds
WORK_AFTER_TIMEOUT = 0.01
# the interpreter's switch interval during costly work, which bounds the delay of small requests between checkpoints
SWITCH_SECONDS = 0.0001


class Precedence:
    """The requests in progress in one process. Thread-safe."""

    def __init__(self) -> None:
        """Start without requests."""
        self._begun: dict[object, float] = {}
        self._ended = Condition()
        self._pausing = 0
        self._lock = Lock()
        self._costly = 0
        self._usual_switch = 0.0

    @contextmanager
    def small(self) -> Iterator[None]:
        """Count a request as small for a block; costly work pauses meanwhile."""
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
        """Make a block's work pause at its checkpoints."""
        self._change_costly(1)
        token = _current.set(_Costly(self))
        try:
            yield
        finally:
            _current.reset(token)
            self._change_costly(-1)

    @property
    def has_small(self) -> bool:
        """True while any request started as small is in progress, even if it no longer counts as small."""
        return bool(self._begun)

    def wait(self, seconds: float) -> bool:
        """Wait at most `seconds` until no small request is in progress; return whether none is."""
        end = monotonic() + seconds
        with self._ended:
            self._pausing += 1
            try:
                while (left := min(end, self._small_until()) - monotonic()) > 0:
                    self._ended.wait(left)
            finally:
                self._pausing -= 1
        is_over = self._small_until() <= monotonic()
        # with small requests following without a gap, a shorter interval would slow costly work for nothing
        sys.setswitchinterval(self._quick_switch if is_over else self._usual_switch)
        return is_over

    def _small_until(self) -> float:
        """Return when the newest request ceases to count as small."""
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
    """One costly piece of work in its thread, with its remaining pause time."""

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
    """Pause while small requests run, if the current work is costly; see the module docstring for the limits."""
    costly = _current.get()
    if costly is not None:
        costly.give_way()


def giving_way(items: Iterable[Item]) -> Iterator[Item]:
    """Yield items, giving way before each."""
    for item in items:
        give_way()
        yield item
