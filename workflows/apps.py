from django.apps import AppConfig


class WorkflowsConfig(AppConfig):
    name = "workflows"
    verbose_name = "Workflows"

    def ready(self) -> None:
        from django.conf import settings

        from accountability.ports import reversers
        from liftos.kernel.outbox.catalogue import declare_events
        from liftos.kernel.outbox.subscribers import subscribe
        from liftos.kernel.ports import orchestration_figures
        from liftos.kernel.reserved_operations import reserve_operations
        from memory.ports import erasers, exporters
        from workflows import checks, functions  # noqa: F401  registers them
        from workflows.children import waking
        from workflows.erasure import erase_quotes, forget_results, strip_schedules, strip_triggers
        from workflows.events import EVENTS
        from workflows.exports import runs_of
        from workflows.figures import get_orchestration_figures
        from workflows.own_functions import load_functions
        from workflows.publishing.reversal import retire_published
        from workflows.schedules.reversal import cancel_started
        from workflows.triggers.queueing import SUBSCRIBER, queue_firings
        from workflows.triggers.reversal import cancel_fired

        declare_events(*EVENTS)
        reserve_operations("workflow", "trigger", "schedule")
        erasers.fill("workflow_runs", erase_quotes)
        erasers.fill("function_results", forget_results)
        erasers.fill("schedules", strip_schedules)
        erasers.fill("triggers", strip_triggers)
        exporters.fill("run", runs_of)
        reversers.fill("workflow.publish", retire_published)
        reversers.fill("trigger.fire", cancel_fired)
        reversers.fill("schedule.tick", cancel_started)
        subscribe(SUBSCRIBER, queue_firings)
        subscribe(waking.SUBSCRIBER, waking.wake_parents, types=[waking.FINISHED])
        orchestration_figures.fill(get_orchestration_figures)
        load_functions(settings.LIFTOS_APPS)
