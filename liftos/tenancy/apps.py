from django.apps import AppConfig


class TenancyConfig(AppConfig):
    name = "liftos.tenancy"
    label = "tenancy"
    verbose_name = "Organisations and keys"

    def ready(self) -> None:
        from liftos.tenancy.known_keys import watch_keys

        watch_keys()
