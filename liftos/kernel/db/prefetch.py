"""Prefetching: compute the next item while waiting for something else."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from typing import Generic, TypeVar

Item = TypeVar("Item")
Made = TypeVar("Made")


class Ahead(Generic[Item, Made]):
    """Yields `make(item)` for each item in order; `make_next` computes the following one early.

    Call `make_next` instead of waiting, for example for Postgres. No threads: two in one process slow each other down
    (docs/decisions/0016).
    """

    def __init__(self, make: Callable[[Item], Made], items: Iterable[Item]) -> None:
        """Prepare the iteration.

        Args:
            make: computes without using the database. Its exceptions are raised by the iteration, not by `make_next`.
            items: read one ahead by the iteration, never by `make_next`, because reading may block.
        """
        self._make, self._items = make, items
        self._next: tuple[Item, Future[Made]] | None = None

    def __iter__(self) -> Iterator[Made]:
        """Yield the result of each item; can be iterated once."""
        for item in self._items:
            made, self._next = self._take(), (item, Future())
            if made is not None:
                yield made.result()
        made = self._take()
        if made is not None:
            yield made.result()

    def make_next(self) -> None:
        """Compute the next result unless it is computed already or there is none."""
        if self._next is None or self._next[1].done():
            return
        item, made = self._next
        try:
            made.set_result(self._make(item))
        except Exception as error:  # noqa: BLE001  raised by the iteration
            made.set_exception(error)

    def _take(self) -> Future[Made] | None:
        self.make_next()
        made, self._next = self._next, None
        return made[1] if made else None
