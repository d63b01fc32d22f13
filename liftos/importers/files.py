"""Reading of exports: a JSON file, a zip or a directory with JSON files."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile, is_zipfile

from liftos.importers.types import UnreadableExport


def json_files(path: Path, names: Iterable[str] = ()) -> Iterator[tuple[str, Any]]:
    """Yield the name and the value of the JSON files of an export.

    Args:
        path: a JSON file, a zip or a directory.
        names: beginnings of the files' names that count in a zip or a directory; all of them if empty.

    Raises:
        UnreadableExport: a file can't be read, or there is none.
    """
    found = False
    for name, content in _files(path, tuple(names)):
        found = True
        try:
            yield name, json.loads(content)
        except (ValueError, RecursionError) as error:
            raise UnreadableExport(f"{name} is not JSON: {error}") from None
    if not found:
        raise UnreadableExport(f"there is no {' or '.join(names) or 'JSON file'} in it")


def _files(path: Path, names: tuple[str, ...]) -> Iterator[tuple[str, bytes]]:
    try:
        if path.is_dir():
            for file in sorted(path.rglob("*.json")):
                if not names or file.name.startswith(names):
                    yield str(file.relative_to(path)), file.read_bytes()
        elif is_zipfile(path):
            with ZipFile(path) as archive:
                for member in sorted(archive.namelist()):
                    name = member.rsplit("/", 1)[-1]
                    if name.endswith(".json") and (not names or name.startswith(names)):
                        yield member, archive.read(member)
        else:
            yield path.name, path.read_bytes()
    except (OSError, BadZipFile, RuntimeError) as error:
        raise UnreadableExport(getattr(error, "strerror", None) or str(error)) from None


def records(value: Any, *keys: str) -> list[dict[str, Any]]:
    """Return the objects of a list, which may be under one of some keys; [] if there are none."""
    if isinstance(value, dict):
        value = next((value[key] for key in keys if isinstance(value.get(key), list)), [])
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def text_of(value: Any) -> str:
    """Return a value as text, stripped; "" for None."""
    if value is None:
        return ""
    return (value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)).strip()
