from django.apps import AppConfig


class TenancyConfig(AppConfig):
    name = "liftos.tenancy"
    label = "tenancy"
    verbose_name = "Organisations and keys"

    def ready(self) -> None:
        from liftos.own_operations import reserve_operations
        from liftos.tenancy.known_keys import watch_keys

        reserve_operations("organisation", "api_key", "admin")
        watch_keys()
