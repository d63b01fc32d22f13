from django.apps import AppConfig


class TenancyConfig(AppConfig):
    name = "liftos.tenancy"
    label = "tenancy"
    verbose_name = "Organisations and keys"
