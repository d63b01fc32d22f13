from django.apps import AppConfig


class EventsConfig(AppConfig):
    name = "liftos.events"
    label = "events"
    verbose_name = "Events"
