from django.apps import AppConfig


class ObservabilityConfig(AppConfig):
    name = "liftos.kernel.telemetry"
    label = "observability"
    verbose_name = "Observability"
