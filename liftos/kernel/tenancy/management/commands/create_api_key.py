"""`manage.py create_api_key ORG [--principal NAME [--groups …]] [--scopes …] [--json]`."""

import json
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.telemetry.command import ObservedCommand
from liftos.kernel.tenancy.models import PrincipalRecord
from liftos.kernel.tenancy.operations import create_api_key
from liftos.kernel.tenancy.principals import (
    add_member,
    find_or_create_group,
    find_or_create_principal,
)
from liftos.kernel.tenancy.queries import get_organisation
from liftos.kernel.tenancy.roles import ROLE_SCOPES
from liftos.kernel.tenancy.types import ALL_SCOPES, SYSTEM, PrincipalKind, Role, Scope

MAX_DAYS = 36_525  # a hundred years


class Command(ObservedCommand):
    help = "Create an API key for an organisation."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("org", help="the organisation's slug")
        parser.add_argument(
            "--scopes", default="", help="comma- or space-separated scopes (default: all)", nargs="*"
        )
        parser.add_argument(
            "--role", choices=[role.value for role in Role], help="grant a role's scopes instead of --scopes"
        )
        parser.add_argument("--principal", default="", help="whom it authenticates, created if not there")
        parser.add_argument(
            "--kind",
            choices=[kind.value for kind in PrincipalKind],
            default=PrincipalKind.PERSON.value,
            help="of a principal that is created (default: person)",
        )
        parser.add_argument(
            "--groups",
            default=[],
            nargs="*",
            help="comma-separated groups that the principal joins, created if not there",
        )
        parser.add_argument("--name", default="", help="a label")
        parser.add_argument("--days", type=int, help="days until it expires (default: never)")
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        scopes = self._scopes(" ".join(options["scopes"]))
        if options["role"]:
            if options["scopes"]:
                raise CommandError("--role and --scopes are mutually exclusive")
            scopes = ROLE_SCOPES[Role(options["role"])]
        days: int | None = options["days"]
        if days is not None and not 1 <= days <= MAX_DAYS:
            raise CommandError(f"--days must be 1 to {MAX_DAYS}")
        expires_at = timezone.now() + timedelta(days=days) if days else None
        organisation = get_organisation(options["org"])
        groups = [each.strip() for each in ",".join(options["groups"]).split(",") if each.strip()]
        if groups and not options["principal"]:
            raise CommandError("--groups requires --principal")
        principal = None
        with tenant_transaction(organisation.id):
            if options["principal"]:
                principal = self._principal(organisation.id, options["principal"], options["kind"], groups)
            key, token = create_api_key(
                organisation=organisation.id,
                by=SYSTEM,
                name=options["name"],
                scopes=scopes,
                expires_at=expires_at,
                principal=principal.id if principal else None,
            )
        if options["json"]:
            whose = {"principal": principal.name, "groups": groups} if principal else {}
            shown = {
                "org": organisation.slug,
                "api_key": token,
                "id": str(key.id),
                "scopes": key.scopes,
            } | whose
            self.stdout.write(json.dumps(shown))
        else:
            lines = [f"API key {token}", f"Scopes  {' '.join(key.scopes)}"]
            if principal:
                lines.append(f"Principal {principal.name}" + (f" in {', '.join(groups)}" if groups else ""))
            self.stdout.write("\n".join([*lines, "(the key will not be shown again)"]))

    def _principal(self, organisation: UUID, name: str, kind: str, groups: list[str]) -> PrincipalRecord:
        found = find_or_create_principal(
            organisation=organisation, by=SYSTEM, name=name, kind=PrincipalKind(kind)
        )
        for each in groups:
            group = find_or_create_group(organisation=organisation, by=SYSTEM, name=each)
            add_member(organisation=organisation, by=SYSTEM, group=group, principal=found)
        return found

    def _scopes(self, text: str) -> frozenset[Scope]:
        names = text.replace(",", " ").split()
        unknown = sorted(set(names) - {scope.value for scope in Scope})
        if unknown:
            raise CommandError(f"unknown scope {unknown[0]}; known scopes: {', '.join(Scope)}")
        return frozenset(Scope(name) for name in names) or ALL_SCOPES
