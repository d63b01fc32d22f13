"""Operations as Prometheus shows them: by name and outcome, all organisations together."""

from collections.abc import Callable
from enum import StrEnum

from prometheus_client import Counter, Gauge, Histogram


class Outcome(StrEnum):
    """How an operation ended. A refusal answers the caller's mistake (4xx): neither a success nor a failure, and not timed."""

    SUCCESS = "success"
    FAILURE = "failure"
    REFUSED = "refused"


OPERATIONS = Counter("liftos_operations_total", "Operations by name and outcome", ["operation", "outcome"])
DURATIONS = Histogram(
    "liftos_operation_seconds",
    "Duration of operations",
    ["operation"],
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5),
)

OTLP_TRACES = Counter(
    "liftos_otlp_traces_total", "Traces by what became of them on the way to the collector", ["outcome"]
)
# the largest, not the sum: a worker that was killed leaves its figure behind
WORKER_THREADS = Gauge("liftos_worker_threads", "Threads of a Celery worker", multiprocess_mode="max")


def prometheus_operation(name: str) -> Callable[[int, Outcome], None]:
    """Return what is told each end of one operation; looking the series up once saves most of the cost."""
    # all outcomes at once: a series that appears with its first failure shows no increase by it
    count = {outcome: OPERATIONS.labels(name, str(outcome)).inc for outcome in Outcome}
    observe = DURATIONS.labels(name).observe

    def record(duration_ns: int, outcome: Outcome) -> None:
        count[outcome]()
        if outcome is not Outcome.REFUSED:
            observe(duration_ns / 1e9)

    return record
