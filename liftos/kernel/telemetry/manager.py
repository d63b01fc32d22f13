"""One handle on what the service watches about itself: a span, two counters and a timer for each operation."""

import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Any

from liftos.kernel.errors import is_refusal
from liftos.kernel.ports import decision_figures
from liftos.kernel.telemetry.metrics.collector import Kind, MetricsCollector, Series
from liftos.kernel.telemetry.metrics.prometheus import Outcome, prometheus_operation
from liftos.kernel.telemetry.tracing.context import use_sampler
from liftos.kernel.telemetry.tracing.spans import Span, SpanLevel
from liftos.kernel.telemetry.tracing.tracer import TRACER, LightweightTracer, Sink

RECENT = 100

Export = Callable[[str], Callable[[int, Outcome], object]]
"""Takes an operation's name, returns what is told the duration in ns and the outcome each time it ends."""


@dataclass(frozen=True, slots=True)
class Totals:
    """What became of some operations; what was refused to its caller is in none of the figures."""

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

    __slots__ = ("_export", "_recent", "_refused", "failure", "success", "timer")

    def __init__(
        self,
        success: Series,
        failure: Series,
        timer: Series,
        refused: Callable[[], Series],
        recent: deque[int],
        export: Callable[[int, Outcome], object] | None,
    ) -> None:
        self.success = success
        self.failure = failure
        self.timer = timer
        self._refused = refused
        self._recent = recent
        self._export = export

    def record(self, duration_ns: int, outcome: Outcome) -> None:
        """Note one end; a refusal is counted alone, so that quick answers to mistakes don't flatter the times."""
        if outcome is Outcome.REFUSED:
            self._refused().record()
        else:
            self.timer.record(duration_ns)
            self._recent.append(duration_ns)
            (self.success if outcome is Outcome.SUCCESS else self.failure).record()
        export = self._export
        if export is not None:
            export(duration_ns, outcome)


class Operation:
    """One operation under observation, used as `with` or `async with`; gives its span."""

    __slots__ = ("_before_ns", "_clock_ns", "_failed", "_meters", "_span", "_start_ns")

    def __init__(self, span: Span, meters: Meters, clock_ns: Callable[[], int]) -> None:
        self._span = span
        self._meters = meters
        self._clock_ns = clock_ns
        self._failed = False
        self._before_ns = 0

    def count_in(self, before_ns: int) -> "Operation":
        """Add the time that the operation's first part took, before this block, to what is counted."""
        self._before_ns = before_ns
        return self

    def add_tags(self, tags: Mapping[str, Any]) -> None:
        """Say more about the operation; its span alone carries that."""
        for key, value in tags.items():
            self._span.set_tag(key, value)

    def fail(self, error: BaseException) -> None:
        """Mark the operation as failed: by an error that its block handles, or, where no caller waits, also by a refusal."""
        self._failed = True
        self._span.record_error(error)

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
        elapsed_ns = clock() - self._start_ns + self._before_ns
        self._span.__exit__(kind, error, traceback)
        # A generator that its consumer leaves early has not failed.
        if not self._failed and (kind is None or kind is GeneratorExit):
            outcome = Outcome.SUCCESS
        else:
            outcome = Outcome.REFUSED if not self._failed and is_refusal(error) else Outcome.FAILURE
        self._meters.record(elapsed_ns, outcome)

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

    Each operation adds to `<name>.success` or `<name>.error` and to the timer `<name>.duration`, or, when it refuses what its
    caller asked for (a `LiftosError` under 500: 401, 403, 404, 409, 422, 429 and the like), to `<name>.refused` alone. All are
    tagged with its organisation (and `function`, where given); whether its span is recorded is the tracer's decision.
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
        """Make a manager.

        Args:
            service: name of the service.
            org: the organisation of operations that name none.
            tracer: its own by default.
            metrics: its own by default.
            export: who else is told of each operation's end.
            clock_ns: monotonic, ns.
            wall: unix time, seconds.
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
        outcome = Outcome.FAILURE if failed else Outcome.SUCCESS
        (self._meters.get(key) or self._new_meters(key)).record(duration_ns, outcome)

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

    def recent_average_ms(self, group: str, organisation: str = "") -> float:
        """Return the mean duration of the last 100 operations named `<group>.…` of an organisation, or of each; 0 before the first."""
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
        """Return the three blocks of the service's statistics.

        Args:
            organisation: whose metrics and decisions; by default all metrics, and the decisions of the manager's own
                organisation. Tracing is always of the whole process; decisions are counted in the database.

        Raises:
            RuntimeError: nobody counts decisions: the project is not assembled (`django.setup()`).
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
    use_sampler(TRACER.samples)
    return _manager


def observe_operation(name: str, /, level: SpanLevel = SpanLevel.INFO, **tags: Any) -> Operation:
    """Observe an operation with the process's manager."""
    return _manager.observe_operation(name, level, **tags)


def observe_async_operation(name: str, /, level: SpanLevel = SpanLevel.INFO, **tags: Any) -> Operation:
    """Observe an operation with the process's manager, for `async with`."""
    return _manager.observe_operation(name, level, **tags)
