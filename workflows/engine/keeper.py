"""Supervision of the steps that this process executes: leases are renewed, steps that exceed their timeout are failed.

One thread in each process that executes steps. In a worker it also sweeps (workflows.engine.reaper), so that any worker finds the
steps that another dropped.
"""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import uniform
from time import monotonic
from uuid import UUID

from django.conf import settings
from django.db import connection

from liftos.kernel.db.viewers import EVERYTHING, set_viewer
from workflows.engine import attempts
from workflows.engine.claims import Claim, renew
from workflows.engine.machine import StepTimedOut
from workflows.engine.reaper import sweep
from workflows.engine.runs import RunInfo
from workflows.errors import Fenced

logger = logging.getLogger("liftos.workflows")

# time for a step's own limits (statement timeout, HTTP deadline) to end it first
GRACE_SECONDS = 0.25
TICK_SECONDS = 0.05


@dataclass(eq=False, slots=True)
class Held:
    """A claim that a thread of this process is executing."""

    claim: Claim
    info: RunInfo
    deadline: float
    overran: Callable[[], None]
    renewed: float = field(default_factory=monotonic)


class Keeper:
    """Renews leases, times out steps and sweeps, in a daemon thread."""

    def __init__(self) -> None:
        self._held: set[Held] = set()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()
        self._wake = threading.Event()
        self._sweeps = False

    def start(self, *, sweep: bool = True) -> None:
        """Start the thread, if it is not running.

        Args:
            sweep: also look for dropped steps, as a worker does; else the thread sleeps while no claim is held.
        """
        if sweep and not self._sweeps:
            self._sweeps = True
            self._wake.set()
        if self._thread is not None and self._thread.is_alive():
            return
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._stop.clear()
                self._thread = threading.Thread(target=self._watch, name="workflow-keeper", daemon=True)
                self._thread.start()

    def stop(self) -> None:
        """Stop the thread and wait for it."""
        self._stop.set()
        self._wake.set()
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.join()

    @contextmanager
    def holding(self, claim: Claim, info: RunInfo, overran: Callable[[], None]) -> Iterator[None]:
        """Supervise a claim for the duration of a block.

        Args:
            claim: of the step that the block executes.
            info: its run.
            overran: called in the keeper's thread after the step has timed out.
        """
        step = info.plan.steps.get(claim.name)
        seconds = step.timeout_seconds if step is not None else 0.0
        held = Held(claim, info, monotonic() + seconds + GRACE_SECONDS, overran)
        with self._lock:
            self._held.add(held)
        self._wake.set()
        try:
            yield
        finally:
            with self._lock:
                self._held.discard(held)

    def _watch(self) -> None:
        # a thread of its own: what it sees does not outlive it
        set_viewer(EVERYTHING)
        next_sweep = monotonic()
        while not self._stop.wait(TICK_SECONDS):
            if not self._held and not self._sweeps:
                connection.close()
                self._wake.wait()
                self._wake.clear()
                continue
            try:
                self._renew()
                self._time_out()
                if self._sweeps and monotonic() >= next_sweep:
                    # jitter, so that many workers do not sweep at once
                    next_sweep = monotonic() + settings.LIFTOS_WORKFLOW_SWEEP_SECONDS * uniform(0.75, 1.25)  # noqa: S311
                    sweep()
            except Exception:
                # usually the database is down; leases may rightly expire meanwhile
                logger.exception("the keeper could not supervise its steps")
                connection.close()
                self._stop.wait(1.0)
        connection.close()

    def _renew(self) -> None:
        due = monotonic() - settings.LIFTOS_WORKFLOW_LEASE_SECONDS / 3
        with self._lock:
            old = [held for held in self._held if held.renewed <= due]
        organisations: dict[UUID, list[Held]] = {}
        for held in old:
            organisations.setdefault(held.claim.organisation, []).append(held)
        for organisation, group in organisations.items():
            tokens = [held.claim.token for held in group if held.claim.token is not None]
            renew(organisation=organisation, tokens=tokens)
            for held in group:
                held.renewed = monotonic()

    def _time_out(self) -> None:
        now = monotonic()
        with self._lock:
            late = [held for held in self._held if held.deadline <= now]
            self._held.difference_update(late)
        for held in late:
            step = held.info.plan.steps[held.claim.name]
            try:
                attempts.fail(held.claim, held.info, StepTimedOut(step.timeout_seconds))
            except Fenced:
                continue  # it ended at the same moment
            logger.warning(
                "a step timed out; its thread is abandoned",
                extra={"run": str(held.claim.run), "step": held.claim.name},
            )
            held.overran()


KEEPER = Keeper()
