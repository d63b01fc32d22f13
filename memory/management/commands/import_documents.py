"""`manage.py import_documents ORG DIR`, or `import_documents DIR --organisation ORG`."""

import json
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any
from uuid import UUID

from django.conf import settings
from django.core.management.base import CommandError, CommandParser
from tqdm import tqdm

from liftos.kernel.errors import LiftosError, TooLarge, Unavailable
from liftos.kernel.telemetry.command import ObservedCommand
from liftos.kernel.tenancy.queries import get_organisation
from liftos.kernel.tenancy.types import SYSTEM
from memory.documents.operations import store_document
from memory.documents.queries import is_stored
from memory.documents.types import DocumentOutcome, Upload

MAX_ID = 300


class Command(ObservedCommand):
    help = (
        "Import the files below a directory as documents. Each has its relative path as external id: run it again to continue an "
        "interrupted import, or to store what has changed since."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "places",
            nargs="+",
            metavar="[ORG] DIR",
            help="slug of the organisation, and directory with the files",
        )
        parser.add_argument("--organisation", metavar="ORG", help="slug of the organisation")
        parser.add_argument(
            "--glob",
            action="append",
            metavar="PATTERN",
            help="only files that match, such as '*.pdf' or 'reports/**/*.docx'; may be repeated (default: all)",
        )
        parser.add_argument("--source", default="files", help="source of the documents (default: files)")
        parser.add_argument("--keep-originals", action="store_true", help="keep the files too")
        parser.add_argument(
            "--no-index",
            action="store_true",
            help="keep and list the documents, but never find them by a search",
        )
        parser.add_argument(
            "--errors", type=Path, metavar="FILE", help="write refused files there, as JSON lines"
        )
        parser.add_argument("--json", action="store_true", help="print the counts as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        *named, last = options["places"]
        slugs = [*named, options["organisation"]] if options["organisation"] else named
        if len(slugs) != 1:
            raise CommandError("Give one organisation and one directory: import_documents ORG DIR")
        directory = Path(last)
        if not directory.is_dir():
            raise CommandError(f"{directory} is not a directory")
        organisation = get_organisation(slugs[0])
        files = _files(directory, options["glob"] or ["**/*"])
        counts: Counter[str] = Counter()
        with ExitStack() as stack:
            errors = (
                stack.enter_context(options["errors"].open("w", encoding="utf-8"))
                if options["errors"]
                else None
            )
            for path in tqdm(files, unit="file", disable=not sys.stderr.isatty()):
                counts[self._store(organisation.id, directory, path, options, errors)] += 1
        shown = {name: counts[name] for name in ("stored", "changed", "unchanged", "refused")}
        self.stdout.write(
            json.dumps(shown) if options["json"] else ", ".join(f"{n} {name}" for name, n in shown.items())
        )
        if counts["refused"]:
            sys.exit(1)

    def _store(
        self, organisation: UUID, directory: Path, path: Path, options: dict[str, Any], errors: IO[str] | None
    ) -> str:
        """Store one file; return its outcome, or "refused" after saying why."""
        name = path.relative_to(directory).as_posix()
        try:
            upload = _upload(path, name, options)
            is_plain = not options["keep_originals"] and not options["no_index"]
            if is_plain and is_stored(organisation=organisation, upload=upload):
                # nothing to parse: a repeated import is quick
                return str(DocumentOutcome.UNCHANGED)
            return str(store_document(organisation=organisation, by=SYSTEM, upload=upload).outcome)
        except Unavailable as error:
            # every further file would be refused too; what is stored stays
            raise CommandError(f"{name}: {error.message}") from error
        except (LiftosError, OSError) as error:
            code = error.code if isinstance(error, LiftosError) else "file.unreadable"
            detail = error.message if isinstance(error, LiftosError) else str(error.strerror)
            # a path may hold any bytes
            name = name.encode("utf-8", "replace").decode()
            self.stderr.write(f"{name}: {detail}")
            if errors is not None:
                errors.write(
                    json.dumps({"file": name, "code": code, "detail": detail}, ensure_ascii=False) + "\n"
                )
                errors.flush()
            return "refused"


def _files(directory: Path, patterns: list[str]) -> list[Path]:
    """Return the files that match any pattern, without hidden ones and links, in order."""

    def found() -> Iterator[Path]:
        for pattern in patterns:
            try:
                # a pattern without a directory is searched for at any depth
                yield from directory.glob(pattern if "/" in pattern else f"**/{pattern}")
            except (ValueError, NotImplementedError) as error:
                raise CommandError(f"{pattern!r} is not a pattern: {error}") from error

    return sorted(
        {
            path
            for path in found()
            if path.is_file()
            and not path.is_symlink()
            and not any(part.startswith(".") for part in path.relative_to(directory).parts)
        }
    )


def _upload(path: Path, name: str, options: dict[str, Any]) -> Upload:
    if not name.isprintable():
        raise LiftosError("The path is not printable UTF-8.")
    if len(name) > MAX_ID:
        raise LiftosError(f"The path is longer than {MAX_ID} characters.")
    if path.stat().st_size > settings.LIFTOS_DOCUMENT_BYTES:
        raise TooLarge(f"The file is larger than {settings.LIFTOS_DOCUMENT_BYTES} bytes.")
    return Upload(
        content=path.read_bytes(),
        name=path.name[-MAX_ID:],
        source=options["source"],
        external_id=name,
        metadata={"path": name},
        keep_original=options["keep_originals"],
        index=False if options["no_index"] else None,
    )
