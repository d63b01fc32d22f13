"""The load of this process, in the form that load balancers read.

Source: Open Request Cost Aggregation (ORCA), the header `endpoint-load-metrics` in its text form, as Envoy and gRPC read it.
"""

import os
import threading
import time
from dataclasses import dataclass

HEADER = "endpoint-load-metrics"
# readings closer together than this share a CPU figure
_LEAST_S = 1.0


@dataclass(frozen=True, slots=True)
class Load:
    """The load of a process.

    Attributes:
        application: requests in progress divided by threads; above 1, some wait.
        cpu: CPU time since the last reading as a share of all cores.
    """

    application: float
    cpu: float

    def as_header(self) -> str:
        """Return the header's value."""
        return f"TEXT application_utilization={self.application:.3f}, cpu_utilization={self.cpu:.3f}"


class LoadMeter:
    """Counts requests in progress; a context manager around each."""

    def __init__(self) -> None:
        """Create the meter of an idle process."""
        self._lock = threading.Lock()
        self._in_work = 0
        self._read_at = time.monotonic()
        self._cpu_s = time.process_time()
        self._cpu = 0.0

    def __enter__(self) -> None:
        """Count a request."""
        with self._lock:
            self._in_work += 1

    def __exit__(self, *unused: object) -> None:
        """Uncount it."""
        with self._lock:
            self._in_work -= 1

    def read(self, threads: int) -> Load:
        """Return the load, given the number of threads that serve requests."""
        with self._lock:
            now, cpu_s = time.monotonic(), time.process_time()
            passed = now - self._read_at
            if passed >= _LEAST_S:
                self._cpu = (cpu_s - self._cpu_s) / passed / (os.cpu_count() or 1)
                self._read_at, self._cpu_s = now, cpu_s
            return Load(self._in_work / max(1, threads), self._cpu)

    def reset(self) -> None:
        """Discard the parent's counts after a fork."""
        self.__init__()  # type: ignore[misc]


METER = LoadMeter()
os.register_at_fork(after_in_child=METER.reset)
