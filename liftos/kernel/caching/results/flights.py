"""Computations under way, so that no result is computed twice at the same time in this process."""

import threading


class Flight:
    """One caller's computation; it lands once, with a result or without."""

    def __init__(self) -> None:
        self._landed = threading.Event()
        self.value: bytes | None = None

    def land(self, value: bytes | None) -> None:
        """Let the waiting go; None lets each compute for itself."""
        self.value = value
        self._landed.set()

    def wait(self, timeout: float) -> bytes | None:
        """Return the result; None if it failed, can't be shared, or took longer than `timeout` seconds."""
        self._landed.wait(timeout)
        return self.value


class Flights:
    """Which key is being computed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._flights: dict[bytes, Flight] = {}

    def join(self, key: bytes) -> tuple[Flight, bool]:
        """Return a key's flight, and whether it is the caller's own to land and to end."""
        with self._lock:
            if (other := self._flights.get(key)) is not None:
                return other, False
            flight = self._flights[key] = Flight()
            return flight, True

    def end(self, key: bytes) -> None:
        """Take a flight off the list."""
        with self._lock:
            self._flights.pop(key, None)
