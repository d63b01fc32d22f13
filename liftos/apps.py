"""The kernel as a Django app: it carries the project-wide management commands and system checks."""

from django.apps import AppConfig


class LiftosConfig(AppConfig):
    name = "liftos"
    label = "liftos"
    verbose_name = "LiftOS Core"

    def ready(self) -> None:
        from django.conf import settings

        from liftos import checks
        from liftos.observability.manager import configure
        from liftos.observability.options import InvalidTraceOptions, trace_options
        from liftos.observability.writer import TraceWriter

        del checks  # importing registers them
        try:
            options = trace_options()
        except InvalidTraceOptions:
            return  # for commands a check says it better; what serves (wsgi, celery) asks again and does not start
        configure(
            sampling_rate=options.sampling_rate,
            min_level=options.min_level,
            max_spans=options.max_spans,
            sink=TraceWriter() if settings.LIFTOS_TRACE_PERSIST else None,
        )
