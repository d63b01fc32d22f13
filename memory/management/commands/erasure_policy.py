"""`manage.py erasure_policy ORG [--scrub-quotes on|off] [--refuse-erased-ids import|always|never]`."""

from dataclasses import replace
from typing import Any

from django.core.management.base import CommandParser

from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.telemetry.command import ObservedCommand
from liftos.kernel.tenancy.queries import get_organisation
from liftos.kernel.tenancy.types import Actor, ActorKind
from memory.erasure.erasure_policy import get_policy, set_policy
from memory.policy_types import Refuse


class Command(ObservedCommand):
    help = (
        "Show or set whether erasures scrub decisions that quote, and where erased external ids are refused."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("organisation", help="the organisation's slug")
        parser.add_argument(
            "--scrub-quotes",
            choices=["on", "off"],
            help="delete payloads of decisions that quote an erased text",
        )
        parser.add_argument("--refuse-erased-ids", choices=[each.value for each in Refuse])

    def handle(self, *args: Any, **options: Any) -> None:
        organisation = get_organisation(options["organisation"]).id
        with tenant_transaction(organisation):
            policy = get_policy(organisation=organisation)
        wanted = policy
        if options["scrub_quotes"]:
            wanted = replace(wanted, scrub_quotes=options["scrub_quotes"] == "on")
        if options["refuse_erased_ids"]:
            wanted = replace(wanted, refuse_erased_ids=Refuse(options["refuse_erased_ids"]))
        if wanted != policy:
            set_policy(organisation=organisation, by=Actor(ActorKind.SYSTEM, "erasure_policy"), policy=wanted)
        self.stdout.write(
            f"scrub_quotes: {'on' if wanted.scrub_quotes else 'off'}, refuse_erased_ids: {wanted.refuse_erased_ids}"
        )
