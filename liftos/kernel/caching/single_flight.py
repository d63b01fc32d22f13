"""Single flight: prevents concurrent computation of the same key in this process."""

import threading
from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Generic, NamedTuple, TypeVar

from liftos.kernel.errors import LiftosError

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Flight(Generic[Key, Value]):
    """One caller's computation of a set of keys.

    Attributes:
        keys: to be computed by the caller.
    """

    def __init__(self) -> None:
        self.keys: list[Key] = []
        self._landed = threading.Event()
        self._values: Mapping[Key, Value] = {}
        self._error: LiftosError | None = None

    def wait(self, key: Key, timeout: float) -> Value | None:
        """Wait at most `timeout` seconds for the value of a key; return None if it was not computed.

        Raises:
            LiftosError: the computation failed with it.
        """
        self._landed.wait(timeout)
        if self._error is not None:
            # a new exception per thread, because tracebacks are attached to it
            raise type(self._error)(self._error.message)
        return self._values.get(key)

    def _land(self, values: Mapping[Key, Value], error: LiftosError | None) -> None:
        self._values, self._error = values, error
        self._landed.set()


class Claim(NamedTuple, Generic[Key, Value]):
    """The division of a caller's keys.

    Attributes:
        flight: the caller's own; if it has keys, the caller must `land` it, whatever happens.
        others: flights of other callers, by key.
        found: values computed meanwhile.
    """

    flight: Flight[Key, Value]
    others: dict[Key, Flight[Key, Value]]
    found: dict[Key, Value]


class SingleFlight(Generic[Key, Value]):
    """The computations in progress, by key. Thread-safe.

    A caller computes its own keys before waiting for others, so callers can't deadlock.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._flights: dict[Key, Flight[Key, Value]] = {}

    def claim(self, keys: Iterable[Key], read: Callable[[Key], Value | None]) -> Claim[Key, Value]:
        """Divide keys into those to be computed by the caller, those in progress, and those computed meanwhile.

        Args:
            keys: distinct keys that the caller did not find in the cache.
            read: reads the cache. Writers store a value before landing, so this second read misses none.
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
        """End a flight with values or an error and wake its waiters."""
        with self._lock:
            for key in flight.keys:
                del self._flights[key]
        flight._land(values, error)
