"""`manage.py reindex [ORG | --all]`."""

from typing import Any

from django.core.management.base import CommandError, CommandParser
from tqdm import tqdm

from liftos.kernel.telemetry.command import ObservedCommand
from liftos.kernel.tenancy.models import Organisation
from liftos.kernel.tenancy.types import Actor, ActorKind
from memory.analysis.words import ANALYSER
from memory.reindexing import begin, list_organisations_to_reindex, rebuild

OPERATOR = Actor(ActorKind.SYSTEM, "reindex")


class Command(ObservedCommand):
    help = "Rebuild the index of words of organisations whose index an earlier version built. If interrupted, run it again to continue."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("organisation", nargs="?", help="the organisation's slug")
        parser.add_argument("--all", action="store_true", help="every organisation")
        parser.add_argument("--again", action="store_true", help="also indexes that are up to date")

    def handle(self, *args: Any, **options: Any) -> None:
        if bool(options["organisation"]) == options["all"]:
            raise CommandError("Name an organisation or pass --all, not both.")
        rows = Organisation.objects.order_by("slug")
        if options["organisation"]:
            rows = rows.filter(slug=options["organisation"])
            if not rows:
                raise CommandError("No organisation with that slug.")
        stale = set(list_organisations_to_reindex())
        for organisation in rows:
            if organisation.id in stale or options["again"]:
                self._rebuild(organisation, again=options["again"])
            else:
                self.stdout.write(f"{organisation.slug}: already indexed by {ANALYSER}")

    def _rebuild(self, organisation: Organisation, *, again: bool) -> None:
        total = begin(organisation=organisation.id, again=again)
        done = 0
        with tqdm(total=total, unit="memory", desc=organisation.slug, disable=None) as progress:
            for count in rebuild(organisation=organisation.id, by=OPERATOR):
                done += count
                progress.update(count)
        if organisation.id in set(list_organisations_to_reindex()):
            self.stdout.write(f"{organisation.slug}: another process is rebuilding it, {done} memories here")
        else:
            self.stdout.write(f"{organisation.slug}: indexed by {ANALYSER}, {done} memories")
