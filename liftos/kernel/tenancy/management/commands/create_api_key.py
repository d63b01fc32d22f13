"""`manage.py create_api_key ORG [--scopes …] [--json]`."""

import json
from datetime import timedelta
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from liftos.kernel.telemetry.command import ObservedCommand
from liftos.kernel.tenancy.operations import create_api_key
from liftos.kernel.tenancy.queries import get_organisation
from liftos.kernel.tenancy.roles import ROLE_SCOPES
from liftos.kernel.tenancy.types import ALL_SCOPES, SYSTEM, Role, Scope

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
        key, token = create_api_key(
            organisation=organisation.id,
            by=SYSTEM,
            name=options["name"],
            scopes=scopes,
            expires_at=expires_at,
        )
        if options["json"]:
            self.stdout.write(json.dumps({"org": organisation.slug, "api_key": token, "scopes": key.scopes}))
        else:
            self.stdout.write(
                f"API key {token}\nScopes  {' '.join(key.scopes)}\n(the key will not be shown again)"
            )

    def _scopes(self, text: str) -> frozenset[Scope]:
        names = text.replace(",", " ").split()
        unknown = sorted(set(names) - {scope.value for scope in Scope})
        if unknown:
            raise CommandError(f"unknown scope {unknown[0]}; known scopes: {', '.join(Scope)}")
        return frozenset(Scope(name) for name in names) or ALL_SCOPES
