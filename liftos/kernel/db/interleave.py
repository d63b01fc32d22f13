"""Work that takes turns on one pipelined connection: while Postgres answers one piece, another computes.

A piece of work is a generator that stops after it has sent its statements and before it waits for their answers. There is no thread:
two of them in one process hold each other up (docs/decisions/0016).
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
    """Yield what each piece of work returns, in their order; inside `liftos.kernel.db.transactions.pipelined`.

    Args:
        works: begun one after the other, when there is room.
        at_once: how many are under way.

    Raises:
        GivenUp: the time for all of them is over, or the caller has gone.
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
