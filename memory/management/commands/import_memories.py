"""`manage.py import_memories ORG FILE`."""

import json
import sys
from pathlib import Path
from typing import IO, Any

from django.core.management.base import CommandError, CommandParser
from tqdm import tqdm

from liftos.api.parsing import InvalidRequest
from liftos.embedding import EmbedderUnavailable
from liftos.idempotency.once import KeyReused
from liftos.management.observed import ObservedCommand
from liftos.tenancy.queries import OrganisationNotFound, get_organisation
from memory.embeddings import active_manager
from memory.portability.importing import import_lines


class Command(ObservedCommand):
    help = "Store memories from a file, a JSON object a line. Run again, it goes on where it was broken off."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("organisation", help="its short name")
        parser.add_argument("file", type=Path, help="where from; - for standard input")
        parser.add_argument("--dry-run", action="store_true", help="do everything and undo it")
        parser.add_argument(
            "--errors", type=Path, help="where the lines go that were not taken (default: FILE.errors)"
        )
        parser.add_argument(
            "--again", action="store_true", help="store also what an earlier run of this file has stored"
        )
        parser.add_argument("--json", action="store_true", help="print the counts as a JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            organisation = get_organisation(options["organisation"]).id
        except OrganisationNotFound as error:
            raise CommandError(error.message) from None
        path: Path = options["file"]
        from_stdin = str(path) == "-"
        if not from_stdin and not path.is_file():
            raise CommandError(f"there is no file {path}")
        errors: Path = options["errors"] or (Path("import.errors") if from_stdin else Path(f"{path}.errors"))
        try:
            model = active_manager(organisation).model
        except EmbedderUnavailable:
            model = None
            self.stderr.write("without vectors for now: the embedder is not available")
        stream: IO[bytes] = sys.stdin.buffer if from_stdin else path.open("rb")
        size = None if from_stdin else path.stat().st_size
        counts = {"stored": 0, "unchanged": 0, "skipped": 0, "refused": 0}
        with stream, tqdm(total=size, unit="B", unit_scale=True, desc="imported", disable=None) as progress:
            reports = import_lines(
                organisation=organisation,
                lines=stream,
                name="-" if from_stdin else str(path.resolve()),
                model=model,
                dry_run=options["dry_run"],
                again=options["again"] or from_stdin,
            )
            try:
                for place, report in enumerate(reports):
                    if place == 0 and not report.skipped:
                        # begun anew, not gone on with: what an earlier run refused is told again
                        errors.unlink(missing_ok=True)
                    for name in ("stored", "unchanged", "skipped"):
                        counts[name] += getattr(report, name)
                    counts["refused"] += len(report.refused)
                    _append(errors, report.refused)
                    progress.update(report.bytes)
                    progress.set_postfix(counts)
            except KeyReused:
                raise CommandError(
                    f"{path} has changed since it was imported in part; --again stores all of it"
                ) from None
            except InvalidRequest as error:
                raise CommandError(
                    f"{path} is not an export that can be read here: {error.message}"
                ) from None
        if options["json"]:
            self.stdout.write(json.dumps(counts))
        else:
            done = "would be" if options["dry_run"] else "were"
            self.stdout.write(", ".join(f"{count} {name}" for name, count in counts.items()) + f" ({done})")
        if counts["refused"]:
            self.stderr.write(f"the lines that were not taken are in {errors}")


def _append(path: Path, refused: list[dict[str, Any]]) -> None:
    if refused:
        with path.open("a", encoding="utf-8") as file:
            file.writelines(json.dumps(each, ensure_ascii=False, default=str) + "\n" for each in refused)
