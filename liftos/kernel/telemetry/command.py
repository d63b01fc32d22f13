"""The base of management commands: each run has its own context and span, and sees all of an organisation."""

from typing import Any, ClassVar

from django.core.management.base import BaseCommand, CommandError

from liftos.kernel.db.viewers import seeing_everything
from liftos.kernel.errors import LiftosError
from liftos.kernel.telemetry.manager import observe_operation
from liftos.kernel.telemetry.tracing.context import current_context, use_context


class ObservedCommand(BaseCommand):
    """A command that is observed as `command NAME`, within the caller's trace if any, and reports coded errors by message.

    Attributes:
        name: the command's; by default its module's.
    """

    name: ClassVar[str] = ""

    def execute(self, *args: Any, **options: Any) -> str | None:
        """Run the command inside its own context and span."""
        name = self.name or type(self).__module__.rsplit(".", 1)[-1]
        context = current_context()
        try:
            with (
                use_context(context),
                seeing_everything(),
                observe_operation(f"command {name}", correlation_id=context.correlation_id),
            ):
                return super().execute(*args, **options)
        except LiftosError as error:
            raise CommandError(error.message) from None
