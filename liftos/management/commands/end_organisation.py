"""`manage.py end_organisation ORG --export DIR --yes`."""

import json
from pathlib import Path
from typing import Any

import psycopg
from django.core.management.base import CommandError, CommandParser

from liftos.kernel.telemetry.command import ObservedCommand
from liftos.kernel.tenancy.queries import get_organisation
from liftos.runtime.backup.options import superuser_url
from liftos.runtime.backup.types import RecoveryFailed
from liftos.runtime.ending.operations import end_organisation


class Command(ObservedCommand):
    help = "Export an organisation, then remove it from every table, file and cache; prints a signed receipt."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("organisation", help="the organisation's slug")
        parser.add_argument(
            "--export", type=Path, required=True, help="directory for the export; must not exist"
        )
        parser.add_argument("--yes", action="store_true", help="confirm: this can't be undone")
        parser.add_argument(
            "--url", default="", help="database URL of a superuser (default: the embedded database)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        found = get_organisation(options["organisation"])
        if not options["yes"]:
            raise CommandError(f"This removes {found.slug} for good; confirm with --yes.")
        try:
            receipt = end_organisation(
                organisation=found.id,
                slug=found.slug,
                url=superuser_url(options["url"]),
                directory=options["export"],
            )
        except RecoveryFailed as error:
            raise CommandError(str(error)) from error
        except (psycopg.Error, OSError) as error:
            raise CommandError(
                f"Failed, and nothing was removed: {type(error).__name__}. Keys stay revoked; run it again with another directory."
            ) from error
        self.stdout.write(json.dumps(receipt, indent=2))
