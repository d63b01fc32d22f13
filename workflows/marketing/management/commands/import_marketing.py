"""`manage.py import_marketing ORG SOURCE FILE`."""

import json
from collections.abc import Iterator
from datetime import date
from itertools import islice
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone
from tqdm import tqdm

from liftos.kernel.telemetry.command import ObservedCommand
from liftos.kernel.tenancy.queries import get_organisation
from liftos.kernel.tenancy.types import SYSTEM
from workflows.marketing.files import UnreadableFile, rows_of
from workflows.marketing.ingesting import commit_ingest, prepare_ingest
from workflows.marketing.reading import read_entries
from workflows.marketing.types import DataSource

BATCH = 2_000
SHOWN = 20


class Command(ObservedCommand):
    help = "Import a platform's export (CSV or Parquet) as marketing entries. Entries stored before are not doubled."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("organisation", help="the organisation's slug")
        parser.add_argument(
            "source", choices=[str(each) for each in DataSource], metavar="source", help="the platform"
        )
        parser.add_argument("file", type=Path, help="a CSV with a header, or a .parquet file")
        parser.add_argument(
            "--date", type=date.fromisoformat, help="the day of rows without one (default: today)"
        )
        parser.add_argument("--errors", type=Path, help="file for refused rows (default: FILE.errors)")

    def handle(self, *args: Any, **options: Any) -> None:
        organisation = get_organisation(options["organisation"]).id
        source, path = DataSource(options["source"]), options["file"]
        day = options["date"] or timezone.now().date()
        counts = {"stored": 0, "unchanged": 0, "changed": 0, "refused": 0}
        refused: list[dict[str, Any]] = []
        rows = rows_of(path, source)
        try:
            with tqdm(unit="rows", desc="imported", disable=None) as progress:
                for first, some in _batches(rows):
                    batch = read_entries(source, some, day, day, loc=())
                    prepared = prepare_ingest(
                        organisation=organisation, batch=batch, metadata={}, partial=True
                    )
                    result = commit_ingest(
                        organisation=organisation, by=SYSTEM, prepared=prepared, partial=True, loc=()
                    )
                    for each in result.entries.values():
                        counts[each.outcome] += 1
                    refused += [
                        {
                            "row": first + each["loc"][0],
                            "field": ".".join(map(str, each["loc"][1:])),
                            "error": each["msg"],
                        }
                        for each in result.rejected
                    ]
                    counts["refused"] = len({each["row"] for each in refused})
                    progress.update(len(some))
                    progress.set_postfix(counts)
        except UnreadableFile as error:
            raise CommandError(f"{path}: {error}. {_said(counts)} before it.") from None
        finally:
            self._write_errors(refused, options["errors"] or Path(f"{path}.errors"))
        self.stdout.write(_said(counts))
        if refused:
            shown = [f"row {each['row']}: {each['field']}: {each['error']}" for each in refused[:SHOWN]]
            raise CommandError("\n".join([*shown, f"{counts['refused']} rows refused"]))

    def _write_errors(self, refused: list[dict[str, Any]], path: Path) -> None:
        """Write the refused rows, replacing an earlier run's."""
        if refused:
            path.write_text("".join(json.dumps(each) + "\n" for each in refused), encoding="utf-8")
        elif path.is_file():
            path.unlink()


def _batches(rows: Iterator[dict[str, Any]]) -> Iterator[tuple[int, list[dict[str, Any]]]]:
    """Yield rows in batches, each with the number of its first row, from 1."""
    first = 1
    while some := list(islice(rows, BATCH)):
        yield first, some
        first += len(some)


def _said(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.items())
