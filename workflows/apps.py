from django.apps import AppConfig


class WorkflowsConfig(AppConfig):
    name = "workflows"
    verbose_name = "Workflows"

    def ready(self) -> None:
        from memory.life.ports import register_eraser
        from workflows.retention import erase_quotes

        register_eraser("workflow_runs", erase_quotes)
