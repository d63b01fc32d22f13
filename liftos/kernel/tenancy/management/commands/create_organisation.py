"""`manage.py create_organisation NAME [--json]`."""

import json
from typing import Any

from django.core.management.base import CommandParser

from liftos.kernel.telemetry.command import ObservedCommand
from liftos.kernel.tenancy.operations import create_api_key, create_organisation
from liftos.kernel.tenancy.types import SYSTEM


class Command(ObservedCommand):
    help = "Create an organisation and an API key with all scopes."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="the organisation's name; its slug is derived from it")
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        organisation = create_organisation(name=options["name"], by=SYSTEM)
        _, token = create_api_key(organisation=organisation.id, by=SYSTEM, name="first key")
        if options["json"]:
            self.stdout.write(json.dumps({"org": organisation.slug, "api_key": token}))
        else:
            self.stdout.write(
                f"Organisation {organisation.slug}\nAPI key      {token}\n(the key will not be shown again)"
            )
