"""The loop that claims and executes steps: in a worker's turn, or in a thread for a caller that waits for a run."""

from collections.abc import Callable
from functools import partial
from time import monotonic
from uuid import UUID

from liftos.kernel.db.viewers import seeing_everything
from workflows.engine.claims import Claim, claim_next
from workflows.engine.execution import execute
from workflows.engine.runs import RunInfo, load_run
from workflows.errors import Fenced

# a turn's limits, after which the worker takes the next organisation's hint
TURN_STEPS = 100
TURN_SECONDS = 2.0

Around = Callable[[Claim, RunInfo, Callable[[], Claim | None]], Claim | None]


def _unsupervised(claim: Claim, info: RunInfo, act: Callable[[], Claim | None]) -> Claim | None:
    del claim, info
    return act()


def work(
    *,
    organisation: UUID,
    run: UUID | None = None,
    first: Claim | None = None,
    info: RunInfo | None = None,
    around: Around = _unsupervised,
    steps: int = TURN_STEPS,
    seconds: float = TURN_SECONDS,
    stop: Callable[[], bool] = lambda: False,
) -> tuple[int, bool]:
    """Execute ready steps, everybody's, the most urgent first, until none is left or the turn is over.

    What a step's function does sees what the run may see (workflows.engine.execution).

    Args:
        organisation: the tenant.
        run: only steps of this run.
        first: a claim to start with.
        info: a run that is already loaded.
        around: wraps the execution; called with each claim, its run and the function that executes it.
        steps: the turn's maximum number of steps.
        seconds: the turn's maximum duration.
        stop: checked after each step; ends the turn.

    Returns:
        The number of steps executed, and whether there may be more.
    """
    with seeing_everything():
        return _work(organisation, run, first, info, around, steps, seconds, stop)


def _work(
    organisation: UUID,
    run: UUID | None,
    first: Claim | None,
    info: RunInfo | None,
    around: Around,
    steps: int,
    seconds: float,
    stop: Callable[[], bool],
) -> tuple[int, bool]:
    known: dict[UUID, RunInfo] = {} if info is None else {info.id: info}
    done, end = 0, monotonic() + seconds
    claim = first
    while True:
        over = done >= steps or monotonic() >= end
        if claim is None:
            if over:
                return done, True
            claim = claim_next(organisation=organisation, run=run)
            if claim is None:
                return done, False
        taken = claim
        about = known.get(taken.run)
        if about is None:
            try:
                about = known[taken.run] = load_run(organisation=organisation, run=taken.run)
            except Fenced:
                claim = None
                continue
        last = done + 1 >= steps or monotonic() >= end or stop()
        claim = around(taken, about, partial(execute, taken, about, hand_over=not last))
        done += 1
        if run is not None and about.ended is not None:
            return done, False
        # a child that was handed over is executed first: no other worker would before its lease expires
        if claim is None and stop():
            return done, True
