"""Observation of operations: each gets a span, counters by outcome and a timer."""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from liftos.kernel.ports import decision_figures
from liftos.kernel.telemetry.metrics.collector import MetricsCollector
from liftos.kernel.telemetry.metrics.prometheus import Outcome, prometheus_operation
from liftos.kernel.telemetry.metrics.summary import Kind
from liftos.kernel.telemetry.operation import Meters, Operation
from liftos.kernel.telemetry.tracing.context import use_sampler
from liftos.kernel.telemetry.tracing.spans import SpanLevel
from liftos.kernel.telemetry.tracing.tracer import TRACER, LightweightTracer, Sink

RECENT = 100

Export = Callable[[str], Callable[[int, Outcome], object]]
"""Maps an operation's name to a function called with the duration in ns and the outcome of each run."""


@dataclass(frozen=True, slots=True)
class Totals:
    """Outcomes of a set of operations; refused ones are not included."""

    successes: int = 0
    failures: int = 0
    total_ns: float = 0

    @property
    def count(self) -> int:
        """Successes and failures."""
        return self.successes + self.failures

    @property
    def success_rate(self) -> float:
        """0-1; 1 if there were none."""
        return self.successes / self.count if self.count else 1.0

    @property
    def average_ms(self) -> float:
        """Mean duration; 0 if there were none."""
        return self.total_ns / 1e6 / self.count if self.count else 0.0


class ObservabilityManager:
    """Observes operations of one service.

    ```
    observability = ObservabilityManager("memory", "default_org")
    async with observability.observe_async_operation("memory_search") as span:
        span.set_tag("results", 3)
    ```

    Each operation increments `<name>.success` or `<name>.error` and records its time in `<name>.duration`. A refusal (a
    `LiftosError` with a status below 500) increments `<name>.refused` only. All are tagged with the organisation (and
    `function`, if given); the tracer decides whether the span is recorded.
    """

    def __init__(
        self,
        service: str = "memory",
        org: str = "default_org",
        *,
        tracer: LightweightTracer | None = None,
        metrics: MetricsCollector | None = None,
        export: Export | None = None,
        clock_ns: Callable[[], int] = time.perf_counter_ns,
        wall: Callable[[], float] = time.time,
    ) -> None:
        """Create a manager.

        Args:
            service: name of the service.
            org: default organisation.
            tracer: a new one by default.
            metrics: a new one by default.
            export: also called at the end of each operation.
            clock_ns: monotonic, ns.
            wall: Unix time, seconds.
        """
        self.service = service
        self.org = org
        self.tracer = tracer or LightweightTracer(service)
        self.metrics = metrics or MetricsCollector(service)
        self._clock_ns = clock_ns
        self._wall = wall
        self._export = export
        self._meters: dict[tuple[str, str, str], Meters] = {}
        self._recent: dict[tuple[str, str], deque[int]] = {}
        # functions by operation name, to find one organisation's meters without scanning all
        self._functions: dict[str, tuple[str, ...]] = {}

    def observe_operation(self, name: str, /, level: SpanLevel = SpanLevel.INFO, **tags: Any) -> Operation:
        """Return a context manager around one operation; `organisation=` overrides the manager's."""
        organisation = tags.setdefault("organisation", self.org)
        key = name, organisation, tags.get("function", "")
        return Operation(
            self.tracer.span(name, level, **tags),
            self._meters.get(key) or self._new_meters(key),
            self._clock_ns,
        )

    def observe_async_operation(
        self, name: str, /, level: SpanLevel = SpanLevel.INFO, **tags: Any
    ) -> Operation:
        """Return `observe_operation`'s context manager, for `async with`."""
        return self.observe_operation(name, level, **tags)

    def record(self, name: str, duration_ns: int, *, failed: bool = False, organisation: str = "") -> None:
        """Record an operation whose name is known only when it has ended."""
        key = name, organisation or self.org, ""
        outcome = Outcome.FAILURE if failed else Outcome.SUCCESS
        (self._meters.get(key) or self._new_meters(key)).record(duration_ns, outcome)

    def totals(self, prefix: str = "", organisation: str = "") -> Totals:
        """Return the totals of operations whose name starts with `prefix`, of one organisation or all."""
        if organisation:
            found = [
                self._meters.get((name, organisation, function))
                for name, functions in self._functions.copy().items()
                if name.startswith(prefix)
                for function in functions
            ]
        else:
            found = [meters for key, meters in self._meters.copy().items() if key[0].startswith(prefix)]
        # folded tag sets share a series, which must be counted once
        chosen = {meters.timer: meters for meters in found if meters is not None}.values()
        return Totals(
            sum(meters.success.count for meters in chosen),
            sum(meters.failure.count for meters in chosen),
            sum(meters.timer.total for meters in chosen),
        )

    def recent_average_ms(self, group: str, organisation: str = "") -> float:
        """Return the mean duration of the last 100 `<group>.…` operations of an organisation (default: of each), or 0."""
        durations = [
            duration
            for (name, whose), kept in self._recent.copy().items()
            if name == group and organisation in ("", whose)
            for duration in kept.copy()
        ]
        return sum(durations) / len(durations) / 1e6 if durations else 0.0

    def _new_meters(self, key: tuple[str, str, str]) -> Meters:
        name, organisation, function = key
        group = name.partition(".")[0], organisation
        recent = self._recent.get(group)
        if recent is None:
            recent = deque(maxlen=RECENT)
        tags = {"organisation": organisation} | ({"function": function} if function else {})
        meters = Meters(
            self.metrics.series(Kind.COUNTER, f"{name}.success", tags),
            self.metrics.series(Kind.COUNTER, f"{name}.error", tags),
            self.metrics.series(Kind.TIMER, f"{name}.duration", tags),
            partial(self.metrics.series, Kind.COUNTER, f"{name}.refused", tags),
            recent,
            self._export(name) if self._export is not None else None,
        )
        if len(self._meters) < self.metrics.max_series:
            self._meters[key] = meters
            self._recent[group] = recent
            known = self._functions.get(name, ())
            if function not in known:
                self._functions[name] = (*known, function)
        return meters

    def statistics(self, organisation: str = "") -> dict[str, Any]:
        """Return statistics of tracing (process-wide), metrics, and decisions (counted in the database).

        Args:
            organisation: limits metrics and decisions; by default all metrics, and decisions of the manager's
                organisation.

        Raises:
            UnfilledPort: no app counts decisions because `django.setup()` was not called.
        """
        org = organisation or self.org
        where = {"organisation": organisation} if organisation else None
        return {
            "service_name": self.service,
            "org_id": org,
            "tracing": self.tracer.stats(),
            "metrics": self.metrics.summary(where=where),
            "accountability": {"org_id": org} | decision_figures()(org),
            "timestamp": self._wall(),
        }


# About twenty routes and operations with three series each: enough for more than a hundred organisations.
_manager = ObservabilityManager(
    tracer=TRACER, metrics=MetricsCollector(max_series=10_000), export=prometheus_operation
)


def get_observability() -> ObservabilityManager:
    """Return the process's manager; its tracer is `TRACER`."""
    return _manager


def configure(
    *,
    service: str | None = None,
    org: str | None = None,
    sampling_rate: float | None = None,
    min_level: SpanLevel | None = None,
    max_spans: int | None = None,
    sink: Sink | None = None,
) -> ObservabilityManager:
    """Configure the process's manager in place; omitted options keep their values.

    New request contexts then ask the tracer whether to sample, so that the `traceparent` they send agrees with it.

    Raises:
        ValueError: a rate outside 0-1 or `max_spans` below 1.
    """
    TRACER.configure(sampling_rate=sampling_rate, min_level=min_level, max_spans=max_spans)
    if service is not None:
        _manager.service = TRACER.service_name = _manager.metrics.service_name = service
    if org is not None:
        _manager.org = org
    if sink is not None:
        TRACER.sink = sink
    use_sampler(TRACER.samples)
    return _manager


def observe_operation(name: str, /, level: SpanLevel = SpanLevel.INFO, **tags: Any) -> Operation:
    """Observe an operation with the process's manager."""
    return _manager.observe_operation(name, level, **tags)


def observe_async_operation(name: str, /, level: SpanLevel = SpanLevel.INFO, **tags: Any) -> Operation:
    """Observe an operation with the process's manager, for `async with`."""
    return _manager.observe_operation(name, level, **tags)
