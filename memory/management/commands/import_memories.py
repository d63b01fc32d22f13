"""`manage.py import_memories ORG FILE`."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any
from uuid import UUID

from django.core.management.base import CommandError, CommandParser
from django.db import Error as DatabaseError
from tqdm import tqdm

from liftos.kernel.errors import LiftosError
from liftos.kernel.http.idempotency.keys import KeyReused
from liftos.kernel.telemetry.command import ObservedCommand
from liftos.kernel.tenancy.queries import get_organisation
from memory.index.embeddings import given_vectors
from memory.index.given_vectors import GivenVectors
from memory.transfer.import_file import UnreadableFile, lines_of, opened
from memory.transfer.importing import import_lines

# refused lines to print; the error file lists all of them
SHOWN = 20
INTERRUPTED = 130


class Command(ObservedCommand):
    help = "Import memories from a file, one JSON object per line. If interrupted, run it again to continue."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("organisation", help="the organisation's slug")
        parser.add_argument("file", type=Path, help="input file; - for standard input")
        parser.add_argument("--dry-run", action="store_true", help="import, then roll everything back")
        parser.add_argument("--errors", type=Path, help="file for refused lines (default: FILE.errors)")
        parser.add_argument(
            "--again", action="store_true", help="also store what an earlier run of this file stored"
        )
        parser.add_argument("--json", action="store_true", help="print the counts as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        organisation = get_organisation(options["organisation"]).id
        path: Path = options["file"]
        counts = {"stored": 0, "unchanged": 0, "skipped": 0, "refused": 0}
        refused: list[dict[str, Any]] = []
        try:
            with opened(path) as stream:
                for each in self._run(organisation, stream, options, counts):
                    refused.append(each)  # noqa: PERF402  kept also if the run is interrupted
        except UnreadableFile as error:
            raise CommandError(f"Nothing was stored. {path}: {error}") from None
        except KeyReused:
            raise CommandError(
                f"{path} has changed since its partial import; --again imports all of it"
            ) from None
        except LiftosError as error:
            raise CommandError(self._stopped(error.message, counts)) from None
        except DatabaseError as error:
            raise CommandError(self._stopped(f"the database: {type(error).__name__}", counts)) from error
        except KeyboardInterrupt:
            raise CommandError(self._stopped("interrupted", counts), returncode=INTERRUPTED) from None
        finally:
            summary = self._write_refusals(refused, options)
        self._print_counts(counts, options)
        if refused:
            raise CommandError(summary)

    def _run(
        self, organisation: UUID, stream: IO[bytes], options: dict[str, Any], counts: dict[str, int]
    ) -> Iterator[dict[str, Any]]:
        """Import and count; yield the refused lines."""
        from_stdin = str(options["file"]) == "-"
        size = os.fstat(stream.fileno()).st_size
        with tqdm(total=size, unit="B", unit_scale=True, desc="imported", disable=None) as progress:
            reports = import_lines(
                organisation=organisation,
                lines=lines_of(stream),
                name="-" if from_stdin else str(options["file"].resolve()),
                given=self._given(organisation),
                dry_run=options["dry_run"],
                again=options["again"] or from_stdin,
            )
            for report in reports:
                for name in ("stored", "unchanged", "skipped"):
                    counts[name] += getattr(report, name)
                counts["refused"] += len(report.refused)
                progress.update(report.bytes)
                progress.set_postfix(counts)
                yield from report.refused

    def _given(self, organisation: UUID) -> GivenVectors | None:
        given = given_vectors(organisation)
        if given is None:
            self.stderr.write("Importing without vectors for now: the embedder is not available.")
        return given

    def _print_counts(self, counts: dict[str, int], options: dict[str, Any]) -> None:
        if options["json"]:
            self.stdout.write(json.dumps(counts))
            return
        note = " (dry run)" if options["dry_run"] else ""
        self.stdout.write(", ".join(f"{count} {name}" for name, count in counts.items()) + note)

    def _write_refusals(self, refused: list[dict[str, Any]], options: dict[str, Any]) -> str:
        """Write the refused lines to the error file, replacing an earlier run's, and return a summary to print."""
        from_stdin = str(options["file"]) == "-"
        usual = Path("import.errors" if from_stdin else f"{options['file']}.errors")
        errors: Path = options["errors"] or usual
        if not refused:
            if errors == usual and usual.is_file():
                usual.unlink()
            return ""
        count = len(refused)
        refused.sort(key=lambda each: each["line"])
        text = [f"line {each['line']}: {each['error']['detail']}" for each in refused[:SHOWN]]
        if count > SHOWN:
            text.append(f"and {count - SHOWN} more")
        try:
            with errors.open("w", encoding="utf-8") as file:
                file.writelines(json.dumps(each, ensure_ascii=False, default=str) + "\n" for each in refused)
            text.append(f"{count} lines refused; all are in {errors}")
        except OSError as error:
            text.append(f"{count} lines refused; {errors} can't be written: {error.strerror}")
        return "\n".join(text)

    def _stopped(self, why: str, counts: dict[str, int]) -> str:
        return (
            f"stopped ({why}): {counts['stored']} memories stored, all complete; "
            "run the same command to continue"
        )
