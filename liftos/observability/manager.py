"""One handle on what the service watches about itself: a span, two counters and a timer for each operation."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from liftos.observability.collector import Kind, MetricsCollector, Series
from liftos.observability.context import use_sampler
from liftos.observability.metrics import prometheus_operation
from liftos.observability.spans import Span, SpanLevel
from liftos.observability.tracer import TRACER, LightweightTracer, Sink

Accountability = Callable[[str], Mapping[str, Any]]
"""Takes an organisation, returns the `accountability` block of its statistics."""

Export = Callable[[str], Callable[[int, bool], object]]
"""Takes an operation's name, returns what is told the duration in ns and whether it failed each time it ends."""


@dataclass(frozen=True, slots=True)
class Totals:
    """What became of some operations."""

    successes: int = 0
    failures: int = 0
    total_ns: float = 0

    @property
    def count(self) -> int:
        """All that ended, well or not."""
        return self.successes + self.failures

    @property
    def success_rate(self) -> float:
        """0-1; 1 before the first."""
        return self.successes / self.count if self.count else 1.0

    @property
    def average_ms(self) -> float:
        """Mean duration; 0 before the first."""
        return self.total_ns / 1e6 / self.count if self.count else 0.0


class Meters:
    """Where one operation of one organisation is counted and timed."""

    __slots__ = ("_export", "failure", "success", "timer")

    def __init__(
        self, success: Series, failure: Series, timer: Series, export: Callable[[int, bool], object] | None
    ) -> None:
        self.success = success
        self.failure = failure
        self.timer = timer
        self._export = export

    def record(self, duration_ns: int, *, failed: bool) -> None:
        """Note one end."""
        self.timer.record(duration_ns)
        (self.failure if failed else self.success).record()
        export = self._export
        if export is not None:
            export(duration_ns, failed)


class Operation:
    """One operation under observation, used as `with` or `async with`; gives its span."""

    __slots__ = ("_clock_ns", "_meters", "_span", "_start_ns")

    def __init__(self, span: Span, meters: Meters, clock_ns: Callable[[], int]) -> None:
        self._span = span
        self._meters = meters
        self._clock_ns = clock_ns

    def __enter__(self) -> Span:
        """Start the clock and the span."""
        clock = self._clock_ns
        self._start_ns = clock()
        return self._span.__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """End the span, count the outcome and the time; an exception goes on its way."""
        clock = self._clock_ns
        elapsed_ns = clock() - self._start_ns
        self._span.__exit__(kind, error, traceback)
        # A generator that its consumer leaves early has not failed.
        self._meters.record(elapsed_ns, failed=kind is not None and kind is not GeneratorExit)

    async def __aenter__(self) -> Span:
        """As `with`."""
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """As `with`."""
        self.__exit__(kind, error, traceback)


class ObservabilityManager:
    """Observes operations of one service.

    ```
    observability = ObservabilityManager("memory", "default_org")
    async with observability.observe_async_operation("memory_search") as span:
        span.set_tag("results", 3)
    ```

    Each operation adds to `<name>.success` or `<name>.error` and to the timer `<name>.duration`, tagged with its
    organisation (and `function`, where given); whether its span is recorded is the tracer's decision.
    """

    def __init__(
        self,
        service: str = "memory",
        org: str = "default_org",
        *,
        tracer: LightweightTracer | None = None,
        metrics: MetricsCollector | None = None,
        accountability: Accountability | None = None,
        export: Export | None = None,
        clock_ns: Callable[[], int] = time.perf_counter_ns,
        wall: Callable[[], float] = time.time,
    ) -> None:
        """Make a manager.

        Args:
            service: name of the service.
            org: the organisation of operations that name none.
            tracer: its own by default.
            metrics: its own by default.
            accountability: where the decisions' statistics come from; zeros without.
            export: who else is told of each operation's end.
            clock_ns: monotonic, ns.
            wall: unix time, seconds.
        """
        self.service = service
        self.org = org
        self.tracer = tracer or LightweightTracer(service)
        self.metrics = metrics or MetricsCollector(service)
        self.accountability = accountability
        self._clock_ns = clock_ns
        self._wall = wall
        self._export = export
        self._meters: dict[tuple[str, str, str], Meters] = {}
        # with each name the functions it was told with: an organisation's meters are found without looking at everybody's
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
        """Return the same for `async with`."""
        return self.observe_operation(name, level, **tags)

    def record(self, name: str, duration_ns: int, *, failed: bool = False, organisation: str = "") -> None:
        """Count and time an operation whose name is known only when it has ended."""
        key = name, organisation or self.org, ""
        (self._meters.get(key) or self._new_meters(key)).record(duration_ns, failed=failed)

    def totals(self, prefix: str = "", organisation: str = "") -> Totals:
        """Return what became of the operations whose name begins with `prefix`, of one organisation or of all."""
        if organisation:
            found = [
                self._meters.get((name, organisation, function))
                for name, functions in self._functions.copy().items()
                if name.startswith(prefix)
                for function in functions
            ]
        else:
            found = [meters for key, meters in self._meters.copy().items() if key[0].startswith(prefix)]
        # folded tag sets share their series: each counts once
        chosen = {meters.timer: meters for meters in found if meters is not None}.values()
        return Totals(
            sum(meters.success.count for meters in chosen),
            sum(meters.failure.count for meters in chosen),
            sum(meters.timer.total for meters in chosen),
        )

    def _new_meters(self, key: tuple[str, str, str]) -> Meters:
        name, organisation, function = key
        tags = {"organisation": organisation} | ({"function": function} if function else {})
        meters = Meters(
            self.metrics.series(Kind.COUNTER, f"{name}.success", tags),
            self.metrics.series(Kind.COUNTER, f"{name}.error", tags),
            self.metrics.series(Kind.TIMER, f"{name}.duration", tags),
            self._export(name) if self._export is not None else None,
        )
        if len(self._meters) < self.metrics.max_series:
            self._meters[key] = meters
            known = self._functions.get(name, ())
            if function not in known:
                self._functions[name] = (*known, function)
        return meters

    def statistics(self, organisation: str = "") -> dict[str, Any]:
        """Return the three blocks of the service's statistics.

        Args:
            organisation: whose metrics and decisions; by default all metrics, and the decisions of the manager's own
                organisation. Tracing is always of the whole process.
        """
        org = organisation or self.org
        where = {"organisation": organisation} if organisation else None
        if self.accountability is None:
            accountability = no_accountability(org)
        else:
            accountability = dict(self.accountability(org))
        return {
            "service_name": self.service,
            "org_id": org,
            "tracing": self.tracer.stats(),
            "metrics": self.metrics.summary(where=where),
            "accountability": accountability,
            "timestamp": self._wall(),
        }


def no_accountability(org: str) -> dict[str, Any]:
    """Return the `accountability` block of an organisation without decisions."""
    return {
        "org_id": org,
        "total_events": 0,
        "decision_points": 0,
        "recent_events": 0,
        "average_confidence": 0.0,
        "operations_count": {},
        "decision_chains": 0,
    }


# Some twenty routes and operations, three series each: room for the own figures of over a hundred organisations.
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
    accountability: Accountability | None = None,
) -> ObservabilityManager:
    """Set up the process's manager, in place; what is not given stays as it is.

    From then on new request contexts ask the tracer whether to sample, so that the `traceparent` they send says what
    the tracer does.

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
    if accountability is not None:
        _manager.accountability = accountability
    use_sampler(TRACER.samples)
    return _manager


def observe_operation(name: str, /, level: SpanLevel = SpanLevel.INFO, **tags: Any) -> Operation:
    """Observe an operation with the process's manager."""
    return _manager.observe_operation(name, level, **tags)


def observe_async_operation(name: str, /, level: SpanLevel = SpanLevel.INFO, **tags: Any) -> Operation:
    """Observe an operation with the process's manager, for `async with`."""
    return _manager.observe_operation(name, level, **tags)
