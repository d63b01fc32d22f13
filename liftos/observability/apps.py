from django.apps import AppConfig


class ObservabilityConfig(AppConfig):
    name = "liftos.observability"
    label = "observability"
    verbose_name = "Observability"
