from django.apps import AppConfig


class AccountabilityConfig(AppConfig):
    name = "accountability"
    verbose_name = "Accountability"

    def ready(self) -> None:
        from accountability import functions  # noqa: F401  registers them
        from accountability.operations import record
        from liftos.ports import fill_decision_recorder

        fill_decision_recorder(record)
