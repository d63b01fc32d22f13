"""Waiting for a run, while its steps are executed in this process too, by the rules of a worker.

The waiting thread executes nothing itself: threads of `workflows.engine.carriers` claim the run's steps, under the keeper (leases,
timeouts) and beside the workers. So it returns when the run has ended or the time is up, whatever a step is doing.
"""

import contextvars
import threading
from collections.abc import Callable
from time import monotonic, sleep
from uuid import UUID

from django.db import connection

from liftos.kernel.db.transactions import raw_cursor, whole_tenant
from liftos.kernel.jobs import send_hint
from workflows.engine.carriers import CARRIERS, Carrier
from workflows.engine.claims import Claim
from workflows.engine.keeper import KEEPER
from workflows.engine.reaper import make_due_ready
from workflows.engine.runs import RunInfo, load_run
from workflows.engine.statements import PROGRESS
from workflows.engine.work import work
from workflows.errors import Fenced
from workflows.types import RunStatus

WORK = "workflows.work"
# poll interval for other processes' progress and due retries; this process's own progress wakes the thread
_POLL_SECONDS = 0.05
# number of polls after which the waiting thread closes its connection in between
_CLOSE_AFTER = 1
_UNLIMITED = 10**9


def wait_for(
    *,
    organisation: UUID,
    run: UUID,
    seconds: float,
    first: Claim | None = None,
    carrier: Carrier | None = None,
    info: RunInfo | None = None,
    keep_executing: bool = False,
    at_once: int | None = None,
) -> RunStatus:
    """Wait until a run has ended, can't continue by itself, or time is up; meanwhile this process executes its steps too.

    Inside a transaction, whose rows no other thread sees, this thread executes the steps itself, without timeouts.

    Args:
        organisation: the tenant.
        run: its id.
        seconds: maximum wait.
        first: a step claimed for `carrier`.
        carrier: a reserved thread.
        info: the run, if already loaded.
        keep_executing: continue executing steps in this process after the time is up; else they are left to workers.
        at_once: maximum number of steps this process executes in parallel; None for no limit but the pool's.

    Returns:
        The run's status.
    """
    try:
        info = info or load_run(organisation=organisation, run=run)
    except Fenced:
        return RunStatus.CANCELLED
    if connection.in_atomic_block:
        return _execute_here(info, seconds, first)
    party = _Party(info, at_once)
    party.join(first, carrier)
    roots = sum(not step.depends_on for step in info.plan.definition.steps)
    for _ in range(roots - 1):
        if not party.join():
            break
    try:
        return party.wait(monotonic() + seconds)
    finally:
        CARRIERS.forget(id(party))
        party.leaving = not keep_executing


class _Party:
    """The threads of this process that execute steps of one run."""

    def __init__(self, info: RunInfo, at_once: int | None = None) -> None:
        self.info = info
        self._most = at_once
        self.news = info.news = threading.Event()
        self.leaving = False
        self._size = 0
        self._lock = threading.Lock()
        KEEPER.start(sweep=False)

    def join(self, first: Claim | None = None, carrier: Carrier | None = None) -> bool:
        """Add a thread that executes steps of the run, `first` before others; return whether one was available."""
        if self._most is not None and self._size >= self._most:
            return False
        carrier = carrier or CARRIERS.reserve(who=0 if self._size else id(self))
        if carrier is None:
            return False
        with self._lock:
            self._size += 1
        member = _Member(self, carrier)
        context = contextvars.copy_context()
        carrier.carry(lambda: context.run(member.execute, first))
        return True

    def leave(self) -> None:
        """Remove a thread, and wake the waiting thread."""
        with self._lock:
            self._size -= 1
        self.news.set()

    def may_spare_one(self) -> bool:
        """Return whether another run needs a thread while this one has several."""
        return CARRIERS.crowded and self._size > 1

    def wait(self, end: float) -> RunStatus:
        organisation, run = self.info.organisation, self.info.id
        polls, hinted = 0, False
        while True:
            if polls >= _CLOSE_AFTER:
                connection.close()
            self.news.wait(max(0.0, min(_POLL_SECONDS, end - monotonic())))
            self.news.clear()
            polls += 1
            if self.info.ended is not None:
                return self.info.ended
            with whole_tenant(organisation):
                status, ready, busy = _progress(organisation, run)
                if status is RunStatus.RUNNING:
                    ready += make_due_ready(organisation=organisation)
            # waiting does not help if the run awaits approval or is paused
            if status is not RunStatus.RUNNING or not busy or monotonic() >= end:
                return status
            for _ in range(ready):
                if not self.join():
                    break
            if ready and not self._size and not hinted:
                # all threads of this process are busy with other runs
                send_hint(WORK, organisation)
                hinted = True


class _Member:
    """One thread of a party."""

    def __init__(self, party: _Party, carrier: Carrier) -> None:
        self.party = party
        self.carrier = carrier
        self.overran = False

    def execute(self, first: Claim | None) -> None:
        info = self.party.info
        more = True
        try:
            _, more = work(
                organisation=info.organisation,
                run=info.id,
                first=first,
                info=info,
                around=self._supervised,
                steps=_UNLIMITED,
                seconds=_UNLIMITED,
                stop=self._stop,
            )
        finally:
            if not self.overran:
                self.party.leave()
        if more and info.ended is None and not self.overran:
            send_hint(WORK, info.organisation)

    def _stop(self) -> bool:
        return self.overran or self.party.leaving or self.party.may_spare_one()

    def _supervised(self, claim: Claim, info: RunInfo, act: Callable[[], Claim | None]) -> Claim | None:
        with KEEPER.holding(claim, info, self._overran):
            return act()

    def _overran(self) -> None:
        self.overran = self.carrier.stuck = True
        self.party.leave()


def _progress(organisation: UUID, run: UUID) -> tuple[RunStatus, int, bool]:
    """Return a run's status, its number of ready steps, and whether any step will continue by itself."""
    row = raw_cursor().execute(PROGRESS, (organisation, run)).fetchone()
    if row is None:
        return RunStatus.CANCELLED, 0, False
    return RunStatus(row[0]), row[1], bool(row[2])


def _execute_here(info: RunInfo, seconds: float, first: Claim | None) -> RunStatus:
    end = monotonic() + seconds
    while True:
        work(
            organisation=info.organisation,
            run=info.id,
            first=first,
            info=info,
            steps=_UNLIMITED,
            seconds=max(0.0, end - monotonic()),
        )
        first = None
        with whole_tenant(info.organisation):
            status, _, busy = _progress(info.organisation, info.id)
            if status is RunStatus.RUNNING:
                make_due_ready(organisation=info.organisation)
        if status is not RunStatus.RUNNING or not busy or monotonic() >= end:
            return status
        sleep(0.01)
