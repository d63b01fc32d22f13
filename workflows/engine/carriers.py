"""A pool of threads that execute steps in a process that waits for a run: a web server, a shell, a program.

A thread can't be killed, and the waiting thread must respond when its time is up. So steps are executed in this pool's threads,
under the process's keeper, by the same rules as in a worker. The pool is bounded; threads stuck in a timed-out step do not count,
up to LIFTOS_WORKFLOW_STUCK_LIMIT of them.
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

# how long an idle thread keeps its database connection, and how long it then lives on without
LINGER_SECONDS = 0.02
STAY_SECONDS = 30.0


class Carrier:
    """A thread of the pool, reserved until its job is done."""

    def __init__(self, pool: "Carriers") -> None:
        self._pool = pool
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self.stuck = False
        threading.Thread(target=self._live, name="workflow-carrier", daemon=True).start()

    def carry(self, job: Job) -> None:
        """Execute a job, then return to the pool."""
        self._jobs.put(job)

    def release(self) -> None:
        """Return to the pool without a job."""
        self._pool.take_back(self)

    def _live(self) -> None:
        while (job := self._next()) is not None:
            try:
                job()
            except Exception:
                # usually the database is down: the step's lease will run out
                logger.exception("executing a step failed")
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
            # None, unless the thread was reserved at this moment
            return None if self._pool.remove(self) else self._jobs.get()


class Carriers:
    """The pool; threads start on demand and end when idle."""

    def __init__(self) -> None:
        self._reset()
        os.register_at_fork(after_in_child=self._reset)  # a fork has none of the parent's threads

    def _reset(self) -> None:
        self._lock = threading.Lock()
        self._idle: list[Carrier] = []
        self._reserved: set[Carrier] = set()
        self._turned_away: set[int] = set()

    def reserve(self, *, who: int = 0) -> Carrier | None:
        """Return a thread, to be given a job or released; None if all are busy.

        Args:
            who: id of a waiter that has no thread yet; those with several then give one up (`crowded`).
        """
        with self._lock:
            stuck = sum(each.stuck for each in self._reserved)
            room = settings.LIFTOS_WORKFLOW_WAIT_THREADS + min(stuck, settings.LIFTOS_WORKFLOW_STUCK_LIMIT)
            # waiters without a thread go first
            if len(self._reserved) >= room or (self._turned_away and not who):
                if who:
                    self._turned_away.add(who)
                return None
            self._turned_away.discard(who)
            # the thread idle for the shortest time: its connection is still open
            carrier = self._idle.pop() if self._idle else Carrier(self)
            self._reserved.add(carrier)
            return carrier

    def forget(self, who: int) -> None:
        """Note that a waiter no longer needs a thread."""
        with self._lock:
            self._turned_away.discard(who)

    @property
    def crowded(self) -> bool:
        """True while a waiter without a thread needs one."""
        return bool(self._turned_away)

    def take_back(self, carrier: Carrier) -> None:
        """Make a thread available again."""
        with self._lock:
            carrier.stuck = False
            self._reserved.discard(carrier)
            self._idle.append(carrier)

    def remove(self, carrier: Carrier) -> bool:
        """Remove an idle thread from the pool; return False if it has been reserved meanwhile."""
        with self._lock:
            if carrier not in self._idle:
                return False
            self._idle.remove(carrier)
            return True


CARRIERS = Carriers()
