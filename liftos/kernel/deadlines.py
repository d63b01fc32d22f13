"""How long the work at hand may still take, and whether its caller is still there.

Whoever starts the work opens a deadline round it; long loops (batches of a model, groups of a search, chunks of an import) ask `check_deadline`
between two rounds. Inside a transaction that is safe: the exception rolls it back.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from time import monotonic

from liftos.kernel.errors import Unavailable
from liftos.kernel.precedence import give_way


class GivenUp(Unavailable):
    """The work was given up; nothing was written."""


class TookTooLong(GivenUp):
    """The request took too long and was given up; nothing was written."""

    code = "liftos.out_of_time"


class CallerGone(GivenUp):
    """The caller closed the connection; the work was given up and nothing was written."""

    code = "liftos.caller_gone"
    # nginx's code for the same, read by nobody: it is no failure of ours
    status = 499


class Deadline:
    """The end of the time for one piece of work. Safe for threads: its fields are set once.

    Attributes:
        at: on the monotonic clock, seconds.
        abandoned: whether the caller has gone.
    """

    __slots__ = ("abandoned", "at")

    def __init__(self, seconds: float) -> None:
        """End in so many seconds from now."""
        self.at = monotonic() + seconds
        self.abandoned = False

    def check(self) -> None:
        """Raise once the time is over or the caller has gone.

        Raises:
            TookTooLong: the time is over.
            CallerGone: the caller has closed the connection.
        """
        if self.abandoned:
            raise CallerGone
        if monotonic() > self.at:
            raise TookTooLong


_current: ContextVar[Deadline | None] = ContextVar("liftos_deadline", default=None)


@contextmanager
def use_deadline(deadline: Deadline) -> Iterator[None]:
    """Make a deadline the current one for a block."""
    token = _current.set(deadline)
    try:
        yield
    finally:
        _current.reset(token)


def check_deadline() -> None:
    """Let small requests go first, then give up if the current work's time is over or its caller has gone.

    Without a deadline, return. See `give_way` and `Deadline.check`.
    """
    give_way()
    deadline = _current.get()
    if deadline is not None:
        deadline.check()
