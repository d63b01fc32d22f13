"""The tracing settings, parsed and validated."""

from contextlib import suppress
from dataclasses import dataclass

from django.conf import settings

from liftos.kernel.telemetry.tracing.spans import SpanLevel


@dataclass(frozen=True, slots=True)
class TraceOptions:
    """The tracing settings; docs/settings.md describes them."""

    sampling_rate: float
    min_level: SpanLevel
    max_spans: int
    retention_days: int
    otlp_endpoint: str


class InvalidTraceOptions(ValueError):
    """One or more tracing settings are invalid; the message has a sentence about each."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__(" ".join(problems))


def trace_options() -> TraceOptions:
    """Return the tracing settings.

    Raises:
        InvalidTraceOptions: at least one is invalid.
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
    # longer numbers are typing errors, and overflow a date or a deque
    return int(text) if text.isascii() and text.isdigit() and len(text) < 8 else 0


def refuse_to_start_misconfigured() -> None:
    """Exit with an error message if a setting is invalid: servers do not run system checks."""
    try:
        trace_options()
    except InvalidTraceOptions as error:
        raise SystemExit(f"error: {error}") from None
