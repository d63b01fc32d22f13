"""`manage.py quotas ORG [--whose OWNER --memories N --bytes N --searches-per-day N]`."""

from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandParser

from liftos.kernel.telemetry.command import ObservedCommand
from liftos.kernel.tenancy.queries import find_organisation
from liftos.kernel.tenancy.types import Actor, ActorKind
from memory.quotas.operations import list_quotas, set_quota
from memory.quotas.types import ORGANISATION, Quota

NAMES = ("memories", "bytes", "searches_per_day")


def _limit(text: str) -> int | None:
    if text == "none":
        return None
    number = int(text)
    if number < 0:
        raise ValueError(text)
    return number


class Command(ObservedCommand):
    help = "Show quotas with their usage, or set one; a limit that is not given stays, `none` removes it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("organisation", help="name or id")
        parser.add_argument(
            "--whose", default=ORGANISATION, help="organisation, principal:NAME, api_key:ID or gateway:USER"
        )
        for name in NAMES:
            parser.add_argument(f"--{name.replace('_', '-')}", type=_limit, default=..., metavar="N")

    def handle(self, *args: Any, **options: Any) -> None:
        del args
        asked = {name: options[name] for name in NAMES if options[name] is not ...}
        organisation = find_organisation(options["organisation"]).id
        known = {each.whose: each.quota for each in list_quotas(organisation=organisation)}
        if asked:
            quota = Quota(**asdict(known.get(options["whose"], Quota())) | asked)
            by = Actor(ActorKind.SYSTEM, "quotas")
            set_quota(organisation=organisation, by=by, whose=options["whose"], quota=quota)
        for each in list_quotas(organisation=organisation):
            limits = " ".join(
                f"{name}={'none' if value is None else value}" for name, value in asdict(each.quota).items()
            )
            self.stdout.write(
                f"{each.whose}: {limits} (stored: {each.usage.memories} memories, {each.usage.bytes} bytes)"
            )
