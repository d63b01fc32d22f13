"""`manage.py import_from KIND PATH --org ORG`."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from tqdm import tqdm

from liftos.importers.registry import READERS
from liftos.importers.types import LeftOut, UnreadableExport
from liftos.kernel.http.dump import dump_json
from liftos.kernel.telemetry.command import ObservedCommand
from liftos.kernel.tenancy.queries import get_organisation
from memory.index.embeddings import given_vectors
from memory.transfer.importing import import_lines

# refused memories to print
SHOWN = 20


class Command(ObservedCommand):
    help = "Import memories from another product's export. Run it again after an interruption: what is there is not added again."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("kind", choices=list(READERS), help="the product")
        parser.add_argument("path", type=Path, help="its export")
        parser.add_argument("--org", required=True, help="the organisation's slug")
        parser.add_argument("--dry-run", action="store_true", help="import, then roll everything back")
        parser.add_argument("--json", action="store_true", help="print the result as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        organisation = get_organisation(options["org"]).id
        path: Path = options["path"]
        if not path.exists():
            raise CommandError(f"There is no {path}.")
        left_out = LeftOut()
        ids: list[str] = []
        counts = {"stored": 0, "unchanged": 0, "refused": 0}
        refused: list[dict[str, Any]] = []
        reports = import_lines(
            organisation=organisation,
            lines=self._lines(options["kind"], path, left_out, ids),
            name=f"{options['kind']}:{path.resolve()}",
            given=given_vectors(organisation),
            dry_run=options["dry_run"],
            again=True,
        )
        try:
            with tqdm(unit=" memories", desc="imported", disable=None) as progress:
                for report in reports:
                    counts["stored"] += report.stored
                    counts["unchanged"] += report.unchanged
                    counts["refused"] += len(report.refused)
                    refused += [self._refusal(each, ids) for each in report.refused]
                    progress.update(report.stored + report.unchanged + len(report.refused))
        except UnreadableExport as error:
            raise CommandError(f"{path}: {error}. {counts['stored']} memories are stored.") from None
        except KeyboardInterrupt:
            raise CommandError(
                f"interrupted: {counts['stored']} memories stored; run it again for the rest", returncode=130
            ) from None
        self._show(options, counts, refused, left_out)
        if refused:
            raise CommandError(f"{len(refused)} memories were refused")

    def _lines(self, kind: str, path: Path, left_out: LeftOut, ids: list[str]) -> Iterator[bytes]:
        try:
            for each in READERS[kind](path, left_out):
                ids.append(each["external_id"])
                yield dump_json(each) + b"\n"
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            # a field of another type than the product writes
            raise UnreadableExport(f"what follows {len(ids)} memories has another form") from error

    def _refusal(self, result: dict[str, Any], ids: list[str]) -> dict[str, Any]:
        return {"external_id": ids[result["line"] - 1], "error": result["error"]["detail"]}

    def _show(
        self,
        options: dict[str, Any],
        counts: dict[str, int],
        refused: list[dict[str, Any]],
        left_out: LeftOut,
    ) -> None:
        if options["json"]:
            shown = counts | {"left_out": dict(left_out.counts), "refusals": refused}
            self.stdout.write(json.dumps(shown, ensure_ascii=False))
            return
        note = " (dry run)" if options["dry_run"] else ""
        self.stdout.write(", ".join(f"{count} {name}" for name, count in counts.items()) + note)
        for reason, count in left_out.counts.most_common():
            self.stdout.write(f"left out: {count} {reason} (first: {left_out.examples[reason]})")
        for each in refused[:SHOWN]:
            self.stdout.write(f"refused: {each['external_id']}: {each['error']}")
