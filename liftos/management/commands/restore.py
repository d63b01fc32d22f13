"""`manage.py restore DIRECTORY`."""

import os
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.core.management.base import CommandError, CommandParser

from liftos.kernel.keyfiles import give_to_owner
from liftos.kernel.telemetry.command import ObservedCommand
from liftos.runtime.backup.dump import KEYS, bring_back
from liftos.runtime.backup.options import key_files, superuser_url
from liftos.runtime.backup.types import RecoveryFailed


class Command(ObservedCommand):
    help = "Restore a backup into an empty database, compare row counts, and verify every log."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("directory", type=Path, help="directory of the backup")
        parser.add_argument(
            "--url", default="", help="database URL of a superuser (default: the embedded database)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        directory: Path = options["directory"]
        try:
            manifest = bring_back(url=superuser_url(options["url"]), directory=directory)
        except RecoveryFailed as error:
            raise CommandError(str(error)) from error
        for name in manifest["keys"]:
            self._put_key(directory / KEYS / name, key_files()[name])
        self.stdout.write(f"{sum(manifest['rows'].values())} rows in {len(manifest['rows'])} tables restored")
        if not options["url"]:
            call_command("verify_ledger", stdout=self.stdout, stderr=self.stderr)

    def _put_key(self, source: Path, target: Path) -> None:
        if target.exists() and target.read_bytes() != source.read_bytes():
            # generated at a fresh installation's first start, before anything was signed with it
            target.rename(target.with_name(f"{target.name}.before-restore"))
        if not target.exists():
            with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(source.read_bytes())
                give_to_owner(file.fileno(), target.parent)
            self.stdout.write(f"{target} restored from the backup")
