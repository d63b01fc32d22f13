"""`manage.py verify_proof FILE --key VKEY`: verify a proof without a database."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from accountability.ledger.verifier import NotVerified, verify_bundle
from liftos.kernel.telemetry.command import ObservedCommand


class Command(ObservedCommand):
    help = "Verify a decision's proof without a database (accountability/ledger/verifier.py does the same on its own)."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="JSON file from GET /api/v1/decisions/{id}/proof")
        parser.add_argument(
            "--key", required=True, help="the log's verifier key, from a source other than the proof"
        )
        parser.add_argument("--origin", help="the log's origin (default: any that the key signed)")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            found = verify_bundle(options["file"].read_bytes(), options["key"], origin=options["origin"])
        except OSError as error:
            raise CommandError(f"{options['file']} can't be read: {error.strerror}") from error
        except NotVerified as error:
            raise CommandError(f"not verified: {error}") from error
        payload = ", its payload matches" if found.disclosed else ""
        self.stdout.write(
            f"verified: decision {found.decision} is record {found.index} of {found.size} in {found.origin}{payload}"
        )
