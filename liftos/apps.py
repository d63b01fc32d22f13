"""The project as a Django app, with its management commands and system checks."""

from typing import TYPE_CHECKING

from django.apps import AppConfig

if TYPE_CHECKING:
    from liftos.kernel.telemetry.tracing.spans import Span
    from liftos.kernel.telemetry.tracing.tracer import Sink


class LiftosConfig(AppConfig):
    name = "liftos"
    label = "liftos"
    verbose_name = "LiftOS Core"

    def ready(self) -> None:
        from django.conf import settings
        from django.core.signals import got_request_exception

        from liftos import celery
        from liftos.kernel import checks as kernel_checks
        from liftos.kernel.http import converters
        from liftos.kernel.http.errors import log_uncaught
        from liftos.kernel.telemetry.manager import configure
        from liftos.kernel.telemetry.tracing.options import InvalidTraceOptions, trace_options
        from liftos.runtime import checks

        del celery, checks, converters, kernel_checks  # importing registers them
        got_request_exception.connect(log_uncaught, dispatch_uid="liftos.log_uncaught")
        try:
            options = trace_options()
        except InvalidTraceOptions:
            return  # a system check reports it to commands; servers (wsgi, celery) check again and exit
        configure(
            sampling_rate=options.sampling_rate,
            min_level=options.min_level,
            max_spans=options.max_spans,
            sink=_sink(persist=settings.LIFTOS_TRACE_PERSIST, otlp=options.otlp_endpoint),
        )


def _sink(*, persist: bool, otlp: str) -> "Sink | None":
    """Return the sink of ended traces: the store, the collector, both or None."""
    from django.conf import settings

    from liftos.kernel.telemetry.export.otlp import OtlpExporter
    from liftos.kernel.telemetry.storage.writer import TraceWriter

    sinks: list[Sink] = []
    if persist:
        sinks.append(TraceWriter())
    if otlp:
        sinks.append(OtlpExporter(otlp, headers=settings.LIFTOS_OTLP_HEADERS))
    if len(sinks) < 2:
        return sinks[0] if sinks else None

    def both(ended: "list[Span]") -> None:
        for sink in sinks:
            sink(ended)

    return both
