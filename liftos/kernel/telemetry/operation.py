"""One observed operation: its span, counts and duration."""

from collections import deque
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any

from liftos.kernel.errors import is_refusal
from liftos.kernel.telemetry.metrics.collector import Series
from liftos.kernel.telemetry.metrics.prometheus import Outcome
from liftos.kernel.telemetry.tracing.spans import Span


class Meters:
    """The counters and timer of one operation of one organisation."""

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
        """Record one run; refusals are counted but not timed, so that quick 4xx answers do not skew durations."""
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
    """An observed operation, used with `with` or `async with`, which return its span."""

    __slots__ = ("_before_ns", "_clock_ns", "_failed", "_meters", "_span", "_start_ns")

    def __init__(self, span: Span, meters: Meters, clock_ns: Callable[[], int]) -> None:
        self._span = span
        self._meters = meters
        self._clock_ns = clock_ns
        self._failed = False
        self._before_ns = 0

    def count_in(self, before_ns: int) -> "Operation":
        """Include the time of the operation's first part, which ran before this block."""
        self._before_ns = before_ns
        return self

    def add_tags(self, tags: Mapping[str, Any]) -> None:
        """Set tags of the operation's span."""
        for key, value in tags.items():
            self._span.set_tag(key, value)

    def fail(self, error: BaseException) -> None:
        """Mark the operation as failed: by an error its block handles, or by a refusal that reaches no caller."""
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
        """End the span, record outcome and duration; exceptions propagate."""
        clock = self._clock_ns
        elapsed_ns = clock() - self._start_ns + self._before_ns
        self._span.__exit__(kind, error, traceback)
        # a generator whose consumer stops early has not failed
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
