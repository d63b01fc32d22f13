from django.apps import AppConfig


class WorkflowsConfig(AppConfig):
    name = "workflows"
    verbose_name = "Workflows"

    def ready(self) -> None:
        from liftos.kernel.ports import orchestration_figures
        from liftos.kernel.reserved_operations import reserve_operations
        from memory.ports import erasers
        from workflows import checks, http_function  # noqa: F401  registers them
        from workflows.cached_results import forget_results
        from workflows.erasing import erase_quotes
        from workflows.figures import get_orchestration_figures
        from workflows.marketing import functions  # noqa: F401  registers it
        from workflows.reviews import take_part

        reserve_operations("workflow")
        erasers.fill("workflow_runs", erase_quotes)
        erasers.fill("function_results", forget_results)
        take_part()
        orchestration_figures.fill(get_orchestration_figures)
