"""Threads that carry steps out in a process whose own threads wait for a run: a web server, a shell, a program.

A thread can't be ended from outside, and who waits must be able to answer when time is up. So the steps of a run that somebody
waits for are carried out in threads of this pool, under the process's keeper, by the rules that hold in a worker. The pool is bounded;
a thread whose step was taken from it for taking too long does not count, up to LIFTOS_WORKFLOW_STUCK_LIMIT of them.
"""

import logging
import os
import queue
import threading
from collections.abc import Callable

from django.conf import settings
from django.db import connections

logger = logging.getLogger("liftos.workflows")

Job = Callable[[], None]

# how long an idle thread keeps its connection for the next job, and how long it stays after that
LINGER_SECONDS = 0.02
STAY_SECONDS = 30.0


class Carrier:
    """One thread of the pool, reserved until it has done its job."""

    def __init__(self, pool: "Carriers") -> None:
        self._pool = pool
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self.stuck = False
        threading.Thread(target=self._live, name="workflow-carrier", daemon=True).start()

    def carry(self, job: Job) -> None:
        """Do a job, then be free for the next."""
        self._jobs.put(job)

    def release(self) -> None:
        """Be free again without having had a job."""
        self._pool.take_back(self)

    def _live(self) -> None:
        while (job := self._next()) is not None:
            try:
                job()
            except Exception:
                # the database is away, as a rule: the lease will tell others
                logger.exception("a step could not be carried out")
                connections.close_all()
            del job
            self._pool.take_back(self)

    def _next(self) -> Job | None:
        try:
            return self._jobs.get(timeout=LINGER_SECONDS)
        except queue.Empty:
            connections.close_all()
        try:
            return self._jobs.get(timeout=STAY_SECONDS)
        except queue.Empty:
            # None, unless somebody has reserved this thread at this very moment
            return None if self._pool.let_go(self) else self._jobs.get()


class Carriers:
    """The pool; threads are begun when they are needed and end when they are not."""

    def __init__(self) -> None:
        self._reset()
        os.register_at_fork(after_in_child=self._reset)  # threads stay behind in the parent

    def _reset(self) -> None:
        self._lock = threading.Lock()
        self._idle: list[Carrier] = []
        self._reserved: set[Carrier] = set()
        self._turned_away: set[int] = set()

    def reserve(self, *, who: int = 0) -> Carrier | None:
        """Return a thread to be given a job or released; None while all are at work.

        Args:
            who: names somebody who has no thread at all yet; those who have several then leave one (`crowded`).
        """
        with self._lock:
            stuck = sum(each.stuck for each in self._reserved)
            room = settings.LIFTOS_WORKFLOW_WAIT_THREADS + min(stuck, settings.LIFTOS_WORKFLOW_STUCK_LIMIT)
            # a free one is for those first who have none
            if len(self._reserved) >= room or (self._turned_away and not who):
                if who:
                    self._turned_away.add(who)
                return None
            self._turned_away.discard(who)
            # the last to become idle: its connection is still open
            carrier = self._idle.pop() if self._idle else Carrier(self)
            self._reserved.add(carrier)
            return carrier

    def forget(self, who: int) -> None:
        """Somebody who was turned away no longer wants a thread."""
        with self._lock:
            self._turned_away.discard(who)

    @property
    def crowded(self) -> bool:
        """Whether somebody without a thread waits for one."""
        return bool(self._turned_away)

    def take_back(self, carrier: Carrier) -> None:
        """Count a thread as free."""
        with self._lock:
            carrier.stuck = False
            self._reserved.discard(carrier)
            self._idle.append(carrier)

    def let_go(self, carrier: Carrier) -> bool:
        """Let an idle thread end; False if it was reserved meanwhile."""
        with self._lock:
            if carrier not in self._idle:
                return False
            self._idle.remove(carrier)
            return True


CARRIERS = Carriers()
