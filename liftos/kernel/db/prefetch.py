"""Making the next thing while something else has to be waited for."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from typing import Generic, TypeVar

Item = TypeVar("Item")
Made = TypeVar("Made")


class Ahead(Generic[Item, Made]):
    """Yields `make(item)` for each item in order; `make_next` makes the following one early.

    Whoever uses one calls `make_next` when it would only wait, for Postgres say. There is no thread: two of them in one
    process hold each other up (docs/decisions/0016).
    """

    def __init__(self, make: Callable[[Item], Made], items: Iterable[Item]) -> None:
        """Take what makes, and what from.

        Args:
            make: computes, and touches no database. Its error comes up in its place, not in `make_next`.
            items: taken one before it is needed, and never in `make_next`: they may be a while in coming.
        """
        self._make, self._items = make, items
        self._next: tuple[Item, Future[Made]] | None = None

    def __iter__(self) -> Iterator[Made]:
        """Yield what is made of each item; once."""
        for item in self._items:
            made, self._next = self._take(), (item, Future())
            if made is not None:
                yield made.result()
        made = self._take()
        if made is not None:
            yield made.result()

    def make_next(self) -> None:
        """Make the following thing, unless it is made already or there is none."""
        if self._next is None or self._next[1].done():
            return
        item, made = self._next
        try:
            made.set_result(self._make(item))
        except Exception as error:  # noqa: BLE001  it is raised when its turn comes
            made.set_exception(error)

    def _take(self) -> Future[Made] | None:
        self.make_next()
        made, self._next = self._next, None
        return made[1] if made else None
