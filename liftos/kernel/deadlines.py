"""Deadlines: stop work that takes too long or whose caller has disconnected.

The web server sets a deadline per request; long loops (model batches, search groups, import chunks) call `check_deadline`
in every round. Inside a transaction, the exception rolls it back.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from time import monotonic

from liftos.kernel.errors import Unavailable
from liftos.kernel.precedence import give_way


class GivenUp(Unavailable):
    """The request was cancelled; nothing was written."""

    code = Unavailable.code


class TookTooLong(GivenUp):
    """The request took too long and was cancelled; nothing was written."""

    code = "liftos.out_of_time"


class CallerGone(GivenUp):
    """The caller closed the connection; nothing was written."""

    # nginx's code, for the metrics: not a server error
    status = 499


class Deadline:
    """The deadline of one piece of work. Thread-safe: its fields are set once.

    Attributes:
        at: monotonic clock, seconds.
        abandoned: whether the caller has disconnected.
    """

    __slots__ = ("abandoned", "at")

    def __init__(self, seconds: float) -> None:
        """Set the deadline `seconds` from now."""
        self.at = monotonic() + seconds
        self.abandoned = False

    def check(self) -> None:
        """Raise if the deadline has passed or the caller has disconnected.

        Raises:
            TookTooLong: the deadline has passed.
            CallerGone: the caller has disconnected.
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
    """Give way to small requests, then check the current deadline if there is one. See `give_way`, `Deadline.check`."""
    give_way()
    deadline = _current.get()
    if deadline is not None:
        deadline.check()
