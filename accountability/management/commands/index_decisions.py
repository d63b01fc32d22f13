"""`manage.py index_decisions [ORG | --all]`."""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from accountability.search.indexing import add_missing, embed_next
from liftos.kernel.embedding import EmbedderUnavailable
from liftos.kernel.telemetry.command import ObservedCommand
from liftos.kernel.tenancy.models import Organisation


class Command(ObservedCommand):
    help = "Index decisions from before they were searched. If interrupted, run it again to continue."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("organisation", nargs="?", help="the organisation's slug")
        parser.add_argument("--all", action="store_true", help="every organisation")

    def handle(self, *args: Any, **options: Any) -> None:
        if bool(options["organisation"]) == options["all"]:
            raise CommandError("Name an organisation or pass --all, not both.")
        rows = Organisation.objects.order_by("slug")
        if options["organisation"]:
            rows = rows.filter(slug=options["organisation"])
            if not rows:
                raise CommandError("No organisation with that slug.")
        for organisation in rows:
            added = sum(add_missing(organisation=organisation.id))
            embedded = 0
            try:
                while count := embed_next(organisation=organisation.id):
                    embedded += count
            except EmbedderUnavailable as error:
                raise CommandError(
                    f"{organisation.slug}: {added} decisions indexed by words; the embedder is unavailable, run it again later."
                ) from error
            self.stdout.write(f"{organisation.slug}: {added} decisions indexed, {embedded} embedded")
