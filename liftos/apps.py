"""The kernel as a Django app: it carries the project-wide management commands and system checks."""

from django.apps import AppConfig


class LiftosConfig(AppConfig):
    name = "liftos"
    label = "liftos"
    verbose_name = "LiftOS Core"

    def ready(self) -> None:
        from liftos import checks

        del checks  # importing registers them
