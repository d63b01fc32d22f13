"""What our management commands have in common: each run is one unit of work, with its ids, its span and its counts."""

from typing import Any

from django.core.management.base import BaseCommand

from liftos.kernel.telemetry.manager import observe_operation
from liftos.kernel.telemetry.tracing.context import current_context, use_context


class ObservedCommand(BaseCommand):
    """A command whose run is observed as `command NAME`, under the caller's trace where there is one."""

    def execute(self, *args: Any, **options: Any) -> str | None:
        """Run the command inside its own context and span."""
        name = type(self).__module__.rsplit(".", 1)[-1]
        context = current_context()
        with (
            use_context(context),
            observe_operation(f"command {name}", correlation_id=context.correlation_id),
        ):
            return super().execute(*args, **options)
