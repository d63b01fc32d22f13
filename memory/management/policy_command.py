"""The base of commands that show or set an organisation's policy."""

from typing import Any, ClassVar

from django.core.management.base import CommandParser

from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.telemetry.command import ObservedCommand
from liftos.kernel.tenancy.queries import get_organisation
from liftos.kernel.tenancy.types import Actor, ActorKind
from memory.policies import OrganisationPolicy


class PolicyCommand(ObservedCommand):
    """A command that shows or sets a policy: `manage.py NAME ORG [POLICY]`."""

    policy: ClassVar[OrganisationPolicy[Any]]

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the organisation and an optional policy."""
        parser.add_argument("organisation", help="the organisation's slug")
        parser.add_argument("policy", nargs="?", choices=[each.value for each in self.policy.choices])

    def handle(self, *args: Any, **options: Any) -> None:
        """Set the policy if given, and print it."""
        del args
        organisation = get_organisation(options["organisation"]).id
        if options["policy"]:
            operator = Actor(ActorKind.SYSTEM, type(self).__module__.rsplit(".", 1)[-1])
            policy = self.policy.choices(options["policy"])
            self.policy.set(organisation=organisation, by=operator, policy=policy)
        with tenant_transaction(organisation):
            self.stdout.write(str(self.policy.get(organisation=organisation)))
