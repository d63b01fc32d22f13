"""The settings about tracing, checked."""

from contextlib import suppress
from dataclasses import dataclass

from django.conf import settings

from liftos.kernel.telemetry.tracing.spans import SpanLevel


@dataclass(frozen=True, slots=True)
class TraceOptions:
    """What docs/settings.md says of tracing, as values."""

    sampling_rate: float
    min_level: SpanLevel
    max_spans: int
    retention_days: int
    otlp_endpoint: str


class InvalidTraceOptions(ValueError):
    """One or more of the settings about tracing can't be used; a sentence about each."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__(" ".join(problems))


def trace_options() -> TraceOptions:
    """Return the settings about tracing.

    Raises:
        InvalidTraceOptions: some can't be used.
    """
    problems: list[str] = []

    def refuse(name: str, wanted: str) -> None:
        problems.append(f"{name} is {getattr(settings, name)!r}; it must be {wanted}.")

    rate = -1.0
    with suppress(ValueError):
        rate = float(settings.LIFTOS_TRACE_SAMPLING)
    if not 0 <= rate <= 1:
        refuse("LIFTOS_TRACE_SAMPLING", "a number from 0 to 1")
    level = SpanLevel.__members__.get(str(settings.LIFTOS_TRACE_LEVEL).upper())
    if level is None:
        refuse("LIFTOS_TRACE_LEVEL", f"one of {', '.join(SpanLevel.__members__)}")
    spans = _positive("LIFTOS_TRACE_SPANS")
    if not spans:
        refuse("LIFTOS_TRACE_SPANS", "a whole number above 0")
    days = _positive("LIFTOS_TRACE_RETENTION_DAYS")
    if not days:
        refuse("LIFTOS_TRACE_RETENTION_DAYS", "a whole number above 0")
    endpoint = str(settings.LIFTOS_OTLP_ENDPOINT)
    if endpoint and not endpoint.startswith(("http://", "https://")):
        refuse("LIFTOS_OTLP_ENDPOINT", "an http or https address")
    if problems or level is None:
        raise InvalidTraceOptions(problems)
    return TraceOptions(rate, level, spans, days, endpoint)


def _positive(name: str) -> int:
    text = str(getattr(settings, name))
    # a number of more digits is a slip, and more than a date or a deque can take
    return int(text) if text.isascii() and text.isdigit() and len(text) < 8 else 0


def refuse_to_start_misconfigured() -> None:
    """End the process with a sentence about what is wrong, if something is: servers run no system checks."""
    try:
        trace_options()
    except InvalidTraceOptions as error:
        raise SystemExit(f"error: {error}") from None
