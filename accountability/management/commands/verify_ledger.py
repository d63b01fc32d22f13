"""`manage.py verify_ledger [ORG]`: verify decision logs from their raw rows."""

from typing import Any

from django.core.management.base import CommandError, CommandParser
from tqdm import tqdm

from accountability.ledger.verification import Verdict, verify_log
from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.telemetry.command import ObservedCommand
from liftos.kernel.tenancy.models import Organisation
from liftos.kernel.tenancy.queries import get_organisation


class Command(ObservedCommand):
    help = "Rebuild decision logs from their raw rows, and compare them with stored nodes and signed checkpoints."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("org", nargs="?", help="an organisation's slug (default: all organisations)")

    def handle(self, *args: Any, **options: Any) -> None:
        failed = 0
        for organisation in self._organisations(options["org"]):
            verdict = self._verify(organisation)
            failed += not verdict.holds
            self.stdout.write(f"{organisation.slug}: {'ok' if verdict.holds else 'BAD'}: {verdict.text}")
        if failed:
            raise CommandError(f"logs that failed verification: {failed}")

    def _organisations(self, slug: str | None) -> list[Organisation]:
        return [get_organisation(slug)] if slug else list(Organisation.objects.all())

    def _verify(self, organisation: Organisation) -> Verdict:
        with (
            tenant_transaction(organisation.id),
            tqdm(unit="record", desc=organisation.slug, disable=None) as bar,
        ):
            for progress in verify_log(organisation.id):
                bar.update(progress.records - bar.n)
                if progress.verdict is not None:
                    return progress.verdict
        raise CommandError("verification ended without a verdict")
