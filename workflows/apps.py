from django.apps import AppConfig


class WorkflowsConfig(AppConfig):
    name = "workflows"
    verbose_name = "Workflows"

    def ready(self) -> None:
        from liftos.kernel.ports import fill_orchestration_figures
        from liftos.kernel.reserved_operations import reserve_operations
        from memory.ports import register_set_eraser
        from workflows import checks, http_function  # noqa: F401  registers them
        from workflows.cached_results import forget_results
        from workflows.erasing import erase_quotes
        from workflows.figures import get_orchestration_figures
        from workflows.marketing import functions  # noqa: F401  registers it
        from workflows.reviews import take_part

        reserve_operations("workflow")
        register_set_eraser("workflow_runs", erase_quotes)
        register_set_eraser("function_results", forget_results)
        take_part()
        fill_orchestration_figures(get_orchestration_figures)
