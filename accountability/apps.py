from django.apps import AppConfig


class AccountabilityConfig(AppConfig):
    name = "accountability"
    verbose_name = "Accountability"

    def ready(self) -> None:
        from accountability.operations import record
        from liftos.ports import fill_decision_recorder

        fill_decision_recorder(record)
