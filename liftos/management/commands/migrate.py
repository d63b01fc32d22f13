"""`migrate` as the owner: the application role may not create tables."""

from typing import Any

from django.core.management.base import CommandParser
from django.core.management.commands import migrate

from liftos.kernel.telemetry.command import ObservedCommand
from liftos.kernel.tenancy.grants import grant_before_migrating, revoke_after_migrating


class Command(ObservedCommand, migrate.Command):
    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.set_defaults(database="owner")

    def handle(self, *args: Any, **options: Any) -> None:
        grant_before_migrating(options["database"])
        super().handle(*args, **options)
        revoke_after_migrating(options["database"])
