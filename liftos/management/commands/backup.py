"""`manage.py backup DIRECTORY`."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from liftos.kernel.telemetry.command import ObservedCommand
from liftos.runtime.backup.dump import make_backup
from liftos.runtime.backup.options import key_files, superuser_url
from liftos.runtime.backup.types import RecoveryFailed


class Command(ObservedCommand):
    help = "Back up the database as of one moment into a new directory. The service can keep running."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("directory", type=Path, help="output directory; must not exist")
        parser.add_argument(
            "--with-keys", action="store_true", help="include the installation's keys; keep the backup secret"
        )
        parser.add_argument(
            "--url", default="", help="database URL of a superuser (default: the embedded database)"
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
            f"{options['directory']}: {sum(manifest['rows'].values())} rows in {len(manifest['rows'])} tables"
        )
        if not keys:
            self.stderr.write(
                "The backup does not contain the keys. Keep copies of "
                + ", ".join(str(path) for path in key_files().values())
            )
