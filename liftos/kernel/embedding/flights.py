"""Computations under way, so that no text is computed twice at the same time."""

import threading
from collections.abc import Callable, Iterable, Mapping

from liftos.kernel.embedding.errors import EmbedderUnavailable
from liftos.kernel.embedding.types import Vector
from liftos.kernel.errors import LiftosError

FOLLOW_TIMEOUT_S = 60.0
"""Whoever waits for another caller's computation gives up after this long."""


class Flight:
    """One caller's computation of some keys; it lands once, with vectors or with an error."""

    def __init__(self) -> None:
        self._landed = threading.Event()
        self._vectors: Mapping[bytes, Vector] = {}
        self._error: LiftosError | None = None

    def land(self, vectors: Mapping[bytes, Vector], error: LiftosError | None = None) -> None:
        """Let the waiting go."""
        self._vectors = vectors
        self._error = error
        self._landed.set()

    def wait(self, key: bytes) -> Vector:
        """Return the vector of a key once it is there.

        Raises:
            EmbedderUnavailable: it took more than FOLLOW_TIMEOUT_S.
            LiftosError: what made the computation fail.
        """
        if not self._landed.wait(FOLLOW_TIMEOUT_S):
            raise EmbedderUnavailable
        if self._error is not None:
            # a new error for each thread: a traceback belongs to one
            raise type(self._error)(self._error.message)
        return self._vectors[key]


class Departures:
    """Which key is being computed by whom.

    A caller first computes what it claimed and only then waits for others, so no circle of waiting can arise.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._flights: dict[bytes, Flight] = {}

    def claim(
        self, keys: Iterable[bytes], read: Callable[[bytes], Vector | None]
    ) -> tuple[Flight, list[bytes], dict[bytes, Flight], dict[bytes, Vector]]:
        """Sort keys into the caller's to compute, those under way, and those that have landed meanwhile.

        Args:
            keys: distinct keys that the caller did not find in the cache a moment ago.
            read: reads the cache.

        Returns:
            The caller's flight with the keys it must compute and release; the flights of others by key; vectors
            found after all.
        """
        flight, mine = Flight(), []
        others: dict[bytes, Flight] = {}
        found: dict[bytes, Vector] = {}
        with self._lock:
            for key in keys:
                if (other := self._flights.get(key)) is not None:
                    others[key] = other
                # no flight and yet computed: it landed since the caller looked. Cached before released, so this
                # second look under the lock can't miss it.
                elif (vector := read(key)) is not None:
                    found[key] = vector
                else:
                    mine.append(key)
                    self._flights[key] = flight
        return flight, mine, others, found

    def release(self, keys: Iterable[bytes]) -> None:
        """Take landed keys off the list."""
        with self._lock:
            for key in keys:
                del self._flights[key]
