"""Making the next thing while the last one is used."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from typing import TypeVar

Item = TypeVar("Item")
Made = TypeVar("Made")


def ahead(make: Callable[[Item], Made], items: Iterable[Item]) -> Iterator[Made]:
    """Yield `make(item)` for each item in order, the following one being made in a thread meanwhile.

    It gains the time in which the caller waits for something else, a database say.

    Args:
        make: computes, and touches no database: the thread has no connection of its own. Its error comes up in its place.
        items: taken one before it is needed, in the caller's thread.
    """
    with ThreadPoolExecutor(1, thread_name_prefix="ahead") as pool:
        waiting: Future[Made] | None = None
        for item in items:
            following = pool.submit(copy_context().run, make, item)
            if waiting is not None:
                yield waiting.result()
            waiting = following
        if waiting is not None:
            yield waiting.result()
