"""`manage.py erase_memories ORG --ids-file FILE`."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.management.base import CommandError, CommandParser

from liftos.kernel.telemetry.command import ObservedCommand
from liftos.kernel.tenancy.queries import get_organisation
from liftos.kernel.tenancy.types import Actor, ActorKind
from memory.erasure.operations import forget_many


class Command(ObservedCommand):
    help = (
        "Erase the memories whose ids are in a file, one per line, a thousand per transaction, each with a receipt. "
        "If interrupted, run it again to erase the rest."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("organisation", help="the organisation's slug")
        parser.add_argument("--ids-file", required=True, help="file of memory ids; - for standard input")
        parser.add_argument("--reason", default="", help="reason to record in the decisions")

    def handle(self, *args: Any, **options: Any) -> None:
        organisation = get_organisation(options["organisation"]).id
        ids = list(_read(options["ids_file"]))
        operator = Actor(ActorKind.SYSTEM, "erase_memories")
        erased = gone = 0
        unknown: list[UUID] = []
        for done in forget_many(
            organisation=organisation, by=operator, memories=ids, reason=options["reason"]
        ):
            erased, gone = erased + done.erased, gone + done.gone
            unknown += done.unknown
            if done.receipt is not None:
                self.stdout.write(f"{done.erased} erased, receipt {done.receipt.id}")
        self.stdout.write(f"{erased} erased, {gone} already erased, {len(unknown)} unknown")
        for each in unknown:
            self.stderr.write(f"unknown: {each}")


def _read(path: str) -> Iterator[UUID]:
    try:
        text = sys.stdin.read() if path == "-" else Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{path} can't be read: {error}") from None
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            yield UUID(line.strip())
        except ValueError:
            raise CommandError(f"Line {number} of {path} is not a memory id.") from None
