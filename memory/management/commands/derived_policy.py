"""`manage.py derived_policy ORG [POLICY]`."""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from liftos.db import tenant_transaction
from liftos.errors import LiftosError
from liftos.management.observed import ObservedCommand
from liftos.tenancy.queries import get_organisation
from liftos.tenancy.types import Actor, ActorKind
from memory.life.derived_policy import get_policy, set_policy
from memory.life.derived_types import Policy


class Command(ObservedCommand):
    help = "Show or set what becomes of memories that were made from one that was erased, rejected or superseded."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("organisation", help="its short name")
        parser.add_argument("policy", nargs="?", choices=[each.value for each in Policy])

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            organisation = get_organisation(options["organisation"]).id
        except LiftosError as error:
            raise CommandError(error.message) from None
        if options["policy"]:
            operator = Actor(ActorKind.SYSTEM, "derived_policy")
            set_policy(organisation=organisation, by=operator, policy=Policy(options["policy"]))
        with tenant_transaction(organisation):
            self.stdout.write(str(get_policy(organisation=organisation)))
