"""A worker's turns, each in a thread that can be abandoned.

A thread can't be killed. So a turn runs in its own thread while the worker's thread waits; when a step exceeds its timeout, it is
failed in the database (its late completion is fenced) and the worker's thread continues. A process with too many abandoned threads
terminates itself, to be restarted by its supervisor.
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
    """Execute an organisation's ready steps until none is left, the turn is over, or a step times out.

    Returns:
        The number of steps executed; -1 if one timed out.
    """
    keeper.start()
    turn = _Turn(organisation, keeper)
    context = contextvars.copy_context()
    thread = threading.Thread(target=context.run, args=(turn.run,), name="workflow-turn", daemon=True)
    thread.start()
    turn.over.wait()
    if turn.overran:
        _abandon(thread)
        send_hint("workflows.work", organisation)
        return -1
    thread.join()
    if turn.error is not None:
        raise turn.error
    if turn.more:
        send_hint("workflows.work", organisation)
    return turn.done


def stuck_threads() -> int:
    """Return the number of this process's threads that are still executing a timed-out step."""
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


def _abandon(thread: threading.Thread) -> None:
    with _stuck_lock:
        _stuck.add(thread)
    if stuck_threads() >= settings.LIFTOS_WORKFLOW_STUCK_LIMIT:
        logger.error("too many threads are stuck; terminating this process for a restart")
        os.kill(os.getpid(), signal.SIGTERM)
