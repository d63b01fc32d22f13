from django.apps import AppConfig


class EventsConfig(AppConfig):
    name = "liftos.kernel.outbox"
    label = "events"
    verbose_name = "Events"
