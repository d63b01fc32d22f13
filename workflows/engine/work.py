"""The loop of whoever carries steps out: a worker's turn, or a thread for a caller who waits for a run."""

from collections.abc import Callable
from functools import partial
from time import monotonic
from uuid import UUID

from workflows.engine.claims import Claim, claim_next
from workflows.engine.execution import carry_out
from workflows.engine.runs import RunInfo, load_run
from workflows.errors import Fenced

# after so many steps, or seconds, the next organisation's hint has its turn
TURN_STEPS = 100
TURN_SECONDS = 2.0

Around = Callable[[Claim, RunInfo, Callable[[], Claim | None]], Claim | None]


def _plainly(claim: Claim, info: RunInfo, act: Callable[[], Claim | None]) -> Claim | None:
    del claim, info
    return act()


def work(
    *,
    organisation: UUID,
    run: UUID | None = None,
    first: Claim | None = None,
    info: RunInfo | None = None,
    around: Around = _plainly,
    steps: int = TURN_STEPS,
    seconds: float = TURN_SECONDS,
    stop: Callable[[], bool] = lambda: False,
) -> tuple[int, bool]:
    """Carry out ready steps, the most urgent first, until there is none, or the turn is over.

    Args:
        organisation: whose.
        run: only of this run.
        first: a claim to begin with.
        info: of a run that is known already.
        around: called with each claim, its run, and what carries it out; returns what that returns.
        steps: of the turn.
        seconds: of the turn.
        stop: tells, after each step, whether this thread is no longer wanted.

    Returns:
        How many steps, and whether there may be more.
    """
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
        claim = around(taken, about, partial(carry_out, taken, about, hand_over=not last))
        done += 1
        if run is not None and about.ended is not None:
            return done, False
        # a child that was handed over meanwhile is carried out first: nobody else would, before its lease is over
        if claim is None and stop():
            return done, True
