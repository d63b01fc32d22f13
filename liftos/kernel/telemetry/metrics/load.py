"""How busy this process is, in the form that balancers read.

Source of the form: Open Request Cost Aggregation (ORCA), the header `endpoint-load-metrics` in its text form, as Envoy and gRPC
take it: shares of what is there, 0 and up.
"""

import os
import threading
import time
from dataclasses import dataclass

HEADER = "endpoint-load-metrics"
# two readings closer together than this share one CPU figure
_LEAST_S = 1.0


@dataclass(frozen=True, slots=True)
class Load:
    """How busy a process is.

    Attributes:
        application: requests in work, as a share of the threads that do it; above 1 some wait.
        cpu: this process's CPU time since it was last read, as a share of all cores.
    """

    application: float
    cpu: float

    def as_header(self) -> str:
        """Return the header's value."""
        return f"TEXT application_utilization={self.application:.3f}, cpu_utilization={self.cpu:.3f}"


class LoadMeter:
    """Counts requests in work; entered and left around each."""

    def __init__(self) -> None:
        """Make a meter of an idle process."""
        self._lock = threading.Lock()
        self._in_work = 0
        self._read_at = time.monotonic()
        self._cpu_s = time.process_time()
        self._cpu = 0.0

    def __enter__(self) -> None:
        """Count a request in."""
        with self._lock:
            self._in_work += 1

    def __exit__(self, *unused: object) -> None:
        """Count it out."""
        with self._lock:
            self._in_work -= 1

    def read(self, threads: int) -> Load:
        """Return the load; `threads` serve requests."""
        with self._lock:
            now, cpu_s = time.monotonic(), time.process_time()
            passed = now - self._read_at
            if passed >= _LEAST_S:
                self._cpu = (cpu_s - self._cpu_s) / passed / (os.cpu_count() or 1)
                self._read_at, self._cpu_s = now, cpu_s
            return Load(self._in_work / max(1, threads), self._cpu)

    def begin_anew(self) -> None:
        """Forget what was the parent's, after a fork."""
        self.__init__()  # type: ignore[misc]


METER = LoadMeter()
os.register_at_fork(after_in_child=METER.begin_anew)
