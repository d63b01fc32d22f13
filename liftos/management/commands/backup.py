"""`manage.py backup DIRECTORY`."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from liftos.kernel.telemetry.command import ObservedCommand
from liftos.runtime.backup.dump import make_backup
from liftos.runtime.backup.options import key_files, superuser_url
from liftos.runtime.backup.types import RecoveryFailed


class Command(ObservedCommand):
    help = "Write everything the database holds, as of one moment, into a new directory. The service may run meanwhile."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("directory", type=Path, help="where to; made")
        parser.add_argument(
            "--with-keys", action="store_true", help="take the installation's keys along: then it is a secret"
        )
        parser.add_argument(
            "--url", default="", help="the database, as a superuser (default: the embedded one)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        keys = key_files() if options["with_keys"] else {}
        try:
            manifest = make_backup(
                url=superuser_url(options["url"]), directory=options["directory"], keys=keys
            )
        except RecoveryFailed as error:
            raise CommandError(str(error)) from error
        self.stdout.write(
            f"{options['directory']}: {sum(manifest['rows'].values())} rows of {len(manifest['rows'])} tables"
        )
        if not keys:
            self.stderr.write(
                "the keys are not in it; keep a copy of "
                + ", ".join(str(path) for path in key_files().values())
            )
