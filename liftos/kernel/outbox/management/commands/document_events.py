"""`manage.py document_events [--check]`."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser

from liftos.kernel.outbox.documentation import renewed
from liftos.kernel.telemetry.command import ObservedCommand


class Command(ObservedCommand):
    help = "Write the types of events and their fields into docs/events.md."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--check", action="store_true", help="write nothing; fail if the page is not current"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        path = Path(settings.BASE_DIR) / "docs" / "events.md"
        page = path.read_text(encoding="utf-8")
        wanted = renewed(page)
        if page == wanted:
            self.stdout.write("docs/events.md is current")
        elif options["check"]:
            raise CommandError("docs/events.md is not current; run manage.py document_events")
        else:
            path.write_text(wanted, encoding="utf-8")
            self.stdout.write("docs/events.md is written")
