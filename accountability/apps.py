from django.apps import AppConfig


class AccountabilityConfig(AppConfig):
    name = "accountability"
    verbose_name = "Accountability"

    def ready(self) -> None:
        from accountability import checks, functions  # noqa: F401  registers them
        from accountability.events import EVENTS
        from accountability.figures import get_decision_figures
        from accountability.operations import record
        from accountability.search.indexing import SUBSCRIBER, TYPES, index_recorded
        from liftos.kernel.outbox.catalogue import declare_events
        from liftos.kernel.outbox.subscribers import subscribe
        from liftos.kernel.ports import decision_figures, decision_recorder
        from liftos.kernel.reserved_operations import reserve_operations

        declare_events(*EVENTS)
        reserve_operations("decision", "review", "calibration")
        decision_recorder.fill(record)
        decision_figures.fill(get_decision_figures)
        subscribe(SUBSCRIBER, index_recorded, types=TYPES)
