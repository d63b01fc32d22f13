from django.apps import AppConfig


class WorkflowsConfig(AppConfig):
    name = "workflows"
    verbose_name = "Workflows"

    def ready(self) -> None:
        from memory.life.ports import register_eraser
        from workflows import checks, http_function  # noqa: F401  registers them
        from workflows.cached_results import forget_results
        from workflows.retention import erase_quotes

        register_eraser("workflow_runs", erase_quotes)
        register_eraser("function_results", forget_results)
