"""Computations under way in this process, so that nothing is computed twice at the same time."""

import threading
from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Generic, NamedTuple, TypeVar

from liftos.kernel.errors import LiftosError

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Flight(Generic[Key, Value]):
    """One caller's computation of some keys.

    Attributes:
        keys: what its caller has to compute.
    """

    def __init__(self) -> None:
        self.keys: list[Key] = []
        self._landed = threading.Event()
        self._values: Mapping[Key, Value] = {}
        self._error: LiftosError | None = None

    def wait(self, key: Key, timeout: float) -> Value | None:
        """Return the value of a key once it is computed; None if it was not, or not within `timeout` seconds.

        Raises:
            LiftosError: that with which the computation ended.
        """
        self._landed.wait(timeout)
        if self._error is not None:
            # a new error for each thread: a traceback belongs to one
            raise type(self._error)(self._error.message)
        return self._values.get(key)

    def _land(self, values: Mapping[Key, Value], error: LiftosError | None) -> None:
        self._values, self._error = values, error
        self._landed.set()


class Claim(NamedTuple, Generic[Key, Value]):
    """Who computes which of a caller's keys.

    Attributes:
        flight: the caller's own; it must `land`, whatever happens, where it has keys.
        others: the flights of other callers, by key.
        found: values that were computed meanwhile.
    """

    flight: Flight[Key, Value]
    others: dict[Key, Flight[Key, Value]]
    found: dict[Key, Value]


class SingleFlight(Generic[Key, Value]):
    """Which key is being computed by whom. Safe for threads.

    A caller first computes its own keys and only then waits for others, so no two callers can wait for each other.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._flights: dict[Key, Flight[Key, Value]] = {}

    def claim(self, keys: Iterable[Key], read: Callable[[Key], Value | None]) -> Claim[Key, Value]:
        """Sort keys into the caller's to compute, those under way, and those computed meanwhile.

        Args:
            keys: distinct keys that the caller did not find in the cache a moment ago.
            read: reads the cache. Its writers store a value before they land, so this second look misses none.
        """
        claim: Claim[Key, Value] = Claim(Flight(), {}, {})
        with self._lock:
            for key in keys:
                if (other := self._flights.get(key)) is not None:
                    claim.others[key] = other
                elif (value := read(key)) is not None:
                    claim.found[key] = value
                else:
                    claim.flight.keys.append(key)
                    self._flights[key] = claim.flight
        return claim

    def land(
        self, flight: Flight[Key, Value], values: Mapping[Key, Value], error: LiftosError | None = None
    ) -> None:
        """End a flight with values or an error, and wake those who wait for it."""
        with self._lock:
            for key in flight.keys:
                del self._flights[key]
        flight._land(values, error)
