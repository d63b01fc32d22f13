from django.apps import AppConfig


class TenancyConfig(AppConfig):
    name = "liftos.kernel.tenancy"
    label = "tenancy"
    verbose_name = "Organisations and keys"

    def ready(self) -> None:
        from liftos.kernel.outbox.catalogue import declare_events
        from liftos.kernel.reserved_operations import reserve_operations
        from liftos.kernel.tenancy.events import EVENTS
        from liftos.kernel.tenancy.known_keys import watch_keys

        declare_events(*EVENTS)
        reserve_operations("organisation", "api_key", "admin", "principal", "group", "break_glass")
        watch_keys()
