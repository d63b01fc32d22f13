from django.apps import AppConfig


class EventsConfig(AppConfig):
    name = "liftos.kernel.outbox"
    label = "events"
    verbose_name = "Events"

    def ready(self) -> None:
        from liftos.kernel.outbox.subscribers import subscribe
        from liftos.kernel.outbox.webhooks.fan_out import SUBSCRIBER, fan_out
        from liftos.kernel.reserved_operations import reserve_operations

        reserve_operations("webhook", "event")
        subscribe(SUBSCRIBER, fan_out)
