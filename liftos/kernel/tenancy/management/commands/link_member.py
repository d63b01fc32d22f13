"""`manage.py link_member ORG USERNAME [PRINCIPAL] [--role ROLE]`."""

from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import CommandError, CommandParser

from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.telemetry.command import ObservedCommand
from liftos.kernel.tenancy.members import link_member
from liftos.kernel.tenancy.models import Membership
from liftos.kernel.tenancy.principals import find_or_create_principal
from liftos.kernel.tenancy.queries import get_organisation
from liftos.kernel.tenancy.types import SYSTEM, Role


class Command(ObservedCommand):
    help = "Make a staff account a member of an organisation, and say which principal it is."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("org", help="the organisation's slug")
        parser.add_argument("username", help="of a staff account")
        parser.add_argument(
            "principal", nargs="?", default="", help="a person, created if not there; left out, nobody"
        )
        parser.add_argument(
            "--role",
            choices=[role.value for role in Role],
            help="of the member (default: unchanged, auditor for a new one)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        organisation = get_organisation(options["org"])
        user = User.objects.filter(username=options["username"], is_staff=True).first()
        if user is None:
            raise CommandError(f"No staff account called {options['username']!r}.")
        with tenant_transaction(organisation.id):
            member, _made = Membership.objects.get_or_create(user=user, organisation=organisation)
            if options["role"] and options["role"] != member.role:
                member.role = options["role"]
                member.save(update_fields=["role"])
            named = options["principal"]
            principal = (
                find_or_create_principal(organisation=organisation.id, by=SYSTEM, name=named)
                if named
                else None
            )
            link_member(by=SYSTEM, membership=member, principal=principal)
        self.stdout.write(f"{user} is {principal or 'nobody'} in {organisation.slug}, as {member.role}")
