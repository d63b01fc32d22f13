"""`manage.py export_memories ORG FILE`."""

import json
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.management.base import CommandError, CommandParser
from tqdm import tqdm

from liftos.kernel.embedding import EmbedderUnavailable
from liftos.kernel.embedding.catalogue import model_number
from liftos.kernel.telemetry.command import ObservedCommand
from liftos.kernel.tenancy.queries import get_organisation
from memory.index.embeddings import active_manager
from memory.transfer.exporting import count_memories, export_lines, header_line


class Command(ObservedCommand):
    help = "Export an organisation's memories to a file, one JSON object per line, for import into any organisation."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("organisation", help="the organisation's slug")
        parser.add_argument("file", type=Path, help="output file; - for standard output")
        parser.add_argument("--resume", action="store_true", help="continue an interrupted export")
        parser.add_argument(
            "--without-vectors",
            action="store_true",
            help="omit vectors: a fifth of the size, but the import has to compute them",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        organisation = get_organisation(options["organisation"]).id
        path: Path = options["file"]
        if str(path) == "-":
            for line in self._lines(organisation, options, None):
                self.stdout.write(line)
            return
        after = _last(path) if options["resume"] and path.exists() else None
        if path.exists() and not options["resume"]:
            raise CommandError(f"{path} already exists; --resume continues it")
        with path.open("a" if after else "w", encoding="utf-8") as file:
            for line in self._lines(organisation, options, after):
                file.write(f"{line}\n")
        self.stderr.write(f"exported to {path}")

    def _lines(self, organisation: UUID, options: dict[str, Any], after: UUID | None) -> Any:
        model = number = None
        if not options["without_vectors"]:
            try:
                model = active_manager(organisation).model
                number = model_number(model)
            except EmbedderUnavailable:
                self.stderr.write("Exporting without vectors: the embedder is not available.")
        if after is None:
            yield header_line(organisation=organisation, model=model)
        total = count_memories(organisation=organisation, after=after)
        with tqdm(total=total, unit="memory", desc="exported", disable=None) as progress:
            for batch in export_lines(organisation=organisation, model=number, after=after):
                yield from batch
                progress.update(len(batch))


def _last(path: Path) -> UUID | None:
    """Return the id in a file's last complete line, and truncate what follows."""
    with path.open("r+b") as file:
        kept, last = 0, None
        for raw in file:
            if not raw.endswith(b"\n"):
                break
            kept, last = kept + len(raw), raw
        file.truncate(kept)
    if last is None:
        return None
    found = json.loads(last).get("id")
    return UUID(found) if found else None
