"""Waiting for a run: its steps are carried out in this process meanwhile, by the rules of a worker.

Who waits carries nothing out itself: threads of `workflows.engine.carriers` claim the run's steps, under the keeper (leases, timeouts), beside
the workers, who are woken too. So the answer comes when the run has ended or time is up, whatever a step is doing.
"""

import contextvars
import threading
from collections.abc import Callable
from time import monotonic, sleep
from uuid import UUID

from django.db import connection

from liftos.kernel.db.transactions import raw_cursor, tenant_transaction
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
# between two looks at a run, seconds: for what workers do, and retries that are due; what happens in this process is known at once
_POLL_SECONDS = 0.05
# from this look on the waiting thread leaves its connection to others meanwhile
_GIVE_BACK_AFTER = 1
_ENDLESS = 10**9


def can_wait_here() -> bool:
    """Return whether other threads see what this one has written: not inside of a transaction."""
    return not connection.in_atomic_block


def wait_for(
    *,
    organisation: UUID,
    run: UUID,
    seconds: float,
    first: Claim | None = None,
    carrier: Carrier | None = None,
    info: RunInfo | None = None,
    go_on: bool = False,
    at_once: int | None = None,
) -> RunStatus:
    """Wait until a run has ended, can't go on by itself, or time is up; meanwhile its steps are carried out in this process too.

    Inside a transaction, whose rows no other thread sees, this thread carries the steps out itself, without timeouts.

    Args:
        organisation: whose.
        run: which.
        seconds: how long at most.
        first: a step that was claimed for `carrier`.
        carrier: a thread that was reserved.
        info: the run, where it is known already.
        go_on: this process carries steps out after time is up too; else what is ready then is left to workers.
        at_once: how many of its steps this process carries out at a time, at most; None for as many as there are threads.

    Returns:
        The run's status.
    """
    try:
        info = info or load_run(organisation=organisation, run=run)
    except Fenced:
        return RunStatus.CANCELLED
    if not can_wait_here():
        return _carry_out_here(info, seconds, first)
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
        party.leaving = not go_on


class _Party:
    """The threads of this process that carry out steps of one run."""

    def __init__(self, info: RunInfo, at_once: int | None = None) -> None:
        self.info = info
        self._most = at_once
        self.news = info.news = threading.Event()
        self.leaving = False
        self._size = 0
        self._lock = threading.Lock()
        KEEPER.start(sweep=False)

    def join(self, first: Claim | None = None, carrier: Carrier | None = None) -> bool:
        """Have one more thread carry out steps of the run, beginning with one that is claimed; return whether there was one."""
        if self._most is not None and self._size >= self._most:
            return False
        carrier = carrier or CARRIERS.reserve(who=0 if self._size else id(self))
        if carrier is None:
            return False
        with self._lock:
            self._size += 1
        member = _Member(self, carrier)
        context = contextvars.copy_context()
        carrier.carry(lambda: context.run(member.carry_out, first))
        return True

    def left(self) -> None:
        """Count a thread out, and have whoever waits look."""
        with self._lock:
            self._size -= 1
        self.news.set()

    def may_spare_one(self) -> bool:
        """Return whether somebody else's run waits for a thread while this one has several."""
        return CARRIERS.crowded and self._size > 1

    def wait(self, end: float) -> RunStatus:
        organisation, run = self.info.organisation, self.info.id
        looks, told = 0, False
        while True:
            if looks >= _GIVE_BACK_AFTER:
                connection.close()
            self.news.wait(max(0.0, min(_POLL_SECONDS, end - monotonic())))
            self.news.clear()
            looks += 1
            if self.info.ended is not None:
                return self.info.ended
            with tenant_transaction(organisation):
                status, ready, busy = _progress(organisation, run)
                if status is RunStatus.RUNNING:
                    ready += make_due_ready(organisation=organisation)
            # a run that waits for a person, or is paused, won't end by waiting for it here
            if status is not RunStatus.RUNNING or not busy or monotonic() >= end:
                return status
            for _ in range(ready):
                if not self.join():
                    break
            if ready and not self._size and not told:
                # every thread here is at work for others
                send_hint(WORK, organisation)
                told = True


class _Member:
    """One thread of a party."""

    def __init__(self, party: _Party, carrier: Carrier) -> None:
        self.party = party
        self.carrier = carrier
        self.overran = False

    def carry_out(self, first: Claim | None) -> None:
        info = self.party.info
        more = True
        try:
            _, more = work(
                organisation=info.organisation,
                run=info.id,
                first=first,
                info=info,
                around=self._held,
                steps=_ENDLESS,
                seconds=_ENDLESS,
                stop=self._stop,
            )
        finally:
            if not self.overran:
                self.party.left()
        if more and info.ended is None and not self.overran:
            send_hint(WORK, info.organisation)

    def _stop(self) -> bool:
        return self.overran or self.party.leaving or self.party.may_spare_one()

    def _held(self, claim: Claim, info: RunInfo, act: Callable[[], Claim | None]) -> Claim | None:
        with KEEPER.holding(claim, info, self._overran):
            return act()

    def _overran(self) -> None:
        self.overran = self.carrier.stuck = True
        self.party.left()


def _progress(organisation: UUID, run: UUID) -> tuple[RunStatus, int, bool]:
    """Return a run's status, how many of its steps are ready, and whether anything of it goes on by itself."""
    row = raw_cursor().execute(PROGRESS, (organisation, run)).fetchone()
    if row is None:
        return RunStatus.CANCELLED, 0, False
    return RunStatus(row[0]), row[1], bool(row[2])


def _carry_out_here(info: RunInfo, seconds: float, first: Claim | None) -> RunStatus:
    end = monotonic() + seconds
    while True:
        work(
            organisation=info.organisation,
            run=info.id,
            first=first,
            info=info,
            steps=_ENDLESS,
            seconds=max(0.0, end - monotonic()),
        )
        first = None
        with tenant_transaction(info.organisation):
            status, _, busy = _progress(info.organisation, info.id)
            if status is RunStatus.RUNNING:
                make_due_ready(organisation=info.organisation)
        if status is not RunStatus.RUNNING or not busy or monotonic() >= end:
            return status
        sleep(0.01)
