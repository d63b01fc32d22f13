"""Interleaved work on one pipelined connection: while Postgres processes one piece, another computes.

A piece of work is a generator that yields after sending its statements and before waiting for results. No threads: two in
one process slow each other down (docs/decisions/0016).
"""

from collections import deque
from collections.abc import Generator, Iterable, Iterator
from typing import TypeVar

from liftos.kernel.db.transactions import send_now
from liftos.kernel.deadlines import check_deadline

Result = TypeVar("Result")
Work = Generator[None, None, Result]

AT_ONCE = 2


def in_turns(works: Iterable[Work[Result]], at_once: int = AT_ONCE) -> Iterator[Result]:
    """Yield each piece's result in order; inside `liftos.kernel.db.transactions.pipelined`.

    Args:
        works: started one after the other.
        at_once: number of pieces in progress.

    Raises:
        GivenUp: the deadline has passed, or the caller has disconnected.
    """
    coming = iter(works)
    begun: deque[Work[Result]] = deque()
    done: dict[int, Result] = {}
    running: deque[Work[Result]] = deque()
    while True:
        check_deadline()
        if len(running) < at_once and (work := next(coming, None)) is not None:
            begun.append(work)
        elif running:
            work = running.popleft()
        else:
            return
        try:
            next(work)
            running.append(work)
        except StopIteration as end:
            done[id(work)] = end.value
        if len(running) > 1:
            send_now()
        while begun and id(begun[0]) in done:
            yield done.pop(id(begun.popleft()))
