"""A worker's turns: each in a thread that can be left behind.

A thread can't be ended from outside. So a turn runs in one of its own while the worker's thread waits for it; when a step
overruns, the step is taken away in the database (its late completion matches nothing) and the worker's thread is free again.
A process that has left too many threads behind asks to be ended, and whoever supervises it starts another.
"""

import contextvars
import logging
import os
import signal
import threading
from collections.abc import Callable
from uuid import UUID

from django.conf import settings
from django.db import connections

from liftos.kernel.jobs import send_hint
from workflows.engine.claims import Claim
from workflows.engine.keeper import KEEPER, Keeper
from workflows.engine.runs import RunInfo
from workflows.engine.work import work

logger = logging.getLogger("liftos.workflows")
_stuck: set[threading.Thread] = set()
_stuck_lock = threading.Lock()


def take_turn(organisation: UUID, *, keeper: Keeper = KEEPER) -> int:
    """Carry out an organisation's ready steps until there is none, the turn is over, or a step overruns.

    Args:
        organisation: whose.
        keeper: who watches over the steps.

    Returns:
        How many steps were carried out; -1 when one overran.
    """
    keeper.start()
    turn = _Turn(organisation, keeper)
    context = contextvars.copy_context()
    thread = threading.Thread(target=context.run, args=(turn.run,), name="workflow-turn", daemon=True)
    thread.start()
    turn.over.wait()
    if turn.overran:
        _leave_behind(thread)
        send_hint("workflows.work", organisation)
        return -1
    thread.join()
    if turn.error is not None:
        raise turn.error
    if turn.more:
        send_hint("workflows.work", organisation)
    return turn.done


def stuck_threads() -> int:
    """Return how many threads of this process are still at steps that were taken from them."""
    with _stuck_lock:
        for thread in [each for each in _stuck if not each.is_alive()]:
            _stuck.discard(thread)
        return len(_stuck)


class _Turn:
    def __init__(self, organisation: UUID, keeper: Keeper) -> None:
        self.organisation = organisation
        self.keeper = keeper
        self.over = threading.Event()
        self.overran = False
        self.more = False
        self.done = 0
        self.error: Exception | None = None

    def run(self) -> None:
        try:
            self.done, self.more = work(
                organisation=self.organisation, around=self._held, stop=lambda: self.overran
            )
        except Exception as error:  # noqa: BLE001  raised again in the thread that waits
            self.error = error
        finally:
            connections.close_all()
            self.over.set()

    def _held(self, claim: Claim, info: RunInfo, act: Callable[[], Claim | None]) -> Claim | None:
        with self.keeper.holding(claim, info, self._overran):
            return act()

    def _overran(self) -> None:
        self.overran = True
        self.over.set()


def _leave_behind(thread: threading.Thread) -> None:
    with _stuck_lock:
        _stuck.add(thread)
    if stuck_threads() >= settings.LIFTOS_WORKFLOW_STUCK_LIMIT:
        logger.error("too many threads are stuck: this process ends, for another to begin")
        os.kill(os.getpid(), signal.SIGTERM)
