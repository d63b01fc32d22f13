"""Prometheus metrics of operations, by name and outcome, for all organisations together."""

from collections.abc import Callable
from enum import StrEnum

from prometheus_client import Counter, Gauge, Histogram


class Outcome(StrEnum):
    """The outcome of an operation; refusals (4xx) are neither successes nor failures, and are not timed."""

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
    "liftos_otlp_traces_total", "Traces by outcome of their export to the collector", ["outcome"]
)
# the maximum, not the sum: a killed worker leaves its value behind
WORKER_THREADS = Gauge("liftos_worker_threads", "Threads of a Celery worker", multiprocess_mode="max")


def prometheus_operation(name: str) -> Callable[[int, Outcome], None]:
    """Return a function that records runs of one operation; looking up its series once saves most of the cost."""
    # create all outcomes now: a series that first appears with a failure shows no increase
    count = {outcome: OPERATIONS.labels(name, str(outcome)).inc for outcome in Outcome}
    observe = DURATIONS.labels(name).observe

    def record(duration_ns: int, outcome: Outcome) -> None:
        count[outcome]()
        if outcome is not Outcome.REFUSED:
            observe(duration_ns / 1e9)

    return record
