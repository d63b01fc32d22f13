"""Counts of what this process did: operations, their outcomes and their durations."""

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import perf_counter_ns

from prometheus_client import Counter, Histogram

RECENT = 1_000

OPERATIONS = Counter("liftos_operations_total", "Operations by name and outcome", ["operation", "outcome"])
DURATIONS = Histogram(
    "liftos_operation_seconds",
    "Duration of operations",
    ["operation"],
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5),
)


@dataclass
class OperationTotals:
    """Totals of one operation; durations are integers in ns from the monotonic clock."""

    successes: int = 0
    failures: int = 0
    total_ns: int = 0
    recent_ns: deque[int] = field(default_factory=lambda: deque(maxlen=RECENT))

    @property
    def count(self) -> int:
        """All that ended, well or not."""
        return self.successes + self.failures


class OperationMeter:
    """Thread-safe totals by operation name."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._totals: dict[str, OperationTotals] = {}

    @contextmanager
    def measure(self, operation: str) -> Iterator[None]:
        """Count one operation and its duration; an exception counts as a failure and goes on its way."""
        start = perf_counter_ns()
        try:
            yield
        except BaseException:
            self._record(operation, perf_counter_ns() - start, success=False)
            raise
        self._record(operation, perf_counter_ns() - start, success=True)

    def _record(self, operation: str, duration_ns: int, *, success: bool) -> None:
        OPERATIONS.labels(operation, "success" if success else "failure").inc()
        DURATIONS.labels(operation).observe(duration_ns / 1e9)
        with self._lock:
            totals = self._totals.setdefault(operation, OperationTotals())
            totals.successes += success
            totals.failures += not success
            totals.total_ns += duration_ns
            totals.recent_ns.append(duration_ns)

    def summary(self, prefix: str = "") -> OperationTotals:
        """Return the sum over operations whose name starts with `prefix`."""
        result = OperationTotals()
        with self._lock:
            for name, totals in self._totals.items():
                if name.startswith(prefix):
                    result.successes += totals.successes
                    result.failures += totals.failures
                    result.total_ns += totals.total_ns
                    result.recent_ns.extend(totals.recent_ns)
        return result


METER = OperationMeter()
