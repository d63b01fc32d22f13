"""An Obsidian vault: a memory for each note, its properties as metadata, its `[[links]]` as links."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from liftos.importers.types import LeftOut, Memory, UnreadableExport, memory

SOURCE = "obsidian"
MOST_PATH = 300
_PROPERTIES = re.compile(r"\A---[ \t]*\r?\n(.*?)\r?\n---[ \t]*(?:\r?\n|\Z)", re.DOTALL)
_FENCED = re.compile(r"```.*?(?:```|\Z)|`[^`\n]*`", re.DOTALL)
_LINK = re.compile(r"\[\[([^\]|#^\n]+)(?:[#^][^\]|\n]*)?(?:\|[^\]\n]*)?\]\]")
_TAG = re.compile(r"(?:^|\s)#([\w/-]*[^\W\d][\w/-]*)")


def read(path: Path, left_out: LeftOut) -> Iterator[Memory]:
    """Yield the notes; names in links are resolved as Obsidian does, by path or by the note's name."""
    if not path.is_dir():
        raise UnreadableExport("it is not a directory")
    files = sorted(
        each
        for each in path.rglob("*")
        if each.is_file() and not each.is_symlink() and not _is_hidden(each, path)
    )
    notes = [each for each in files if each.suffix.lower() == ".md"]
    if not notes:
        raise UnreadableExport("there are no notes (.md) in it")
    for each in files:
        if each.suffix.lower() != ".md":
            left_out.note("files that are not notes", str(each.relative_to(path)))
    names = [each.relative_to(path).as_posix() for each in notes]
    by_name: dict[str, str] = {}
    for name in sorted(names, key=lambda each: (each.count("/"), each)):
        by_name.setdefault(_key(name), name)
        by_name.setdefault(_key(name.rsplit("/", 1)[-1]), name)
    for file, name in zip(notes, names, strict=True):
        made = _note(file, name, by_name, left_out)
        if made is not None:
            yield made


def _is_hidden(file: Path, vault: Path) -> bool:
    return any(part.startswith(".") for part in file.relative_to(vault).parts)


def _key(name: str) -> str:
    return name.removesuffix(".md").casefold()


def _note(file: Path, name: str, by_name: dict[str, str], left_out: LeftOut) -> Memory | None:
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        left_out.note("notes that are not UTF-8", name)
        return None
    if len(name) > MOST_PATH:
        left_out.note(f"notes whose path has more than {MOST_PATH} characters", name)
        return None
    found = _PROPERTIES.match(text)
    properties = _properties(found[1]) if found else {}
    body = text[found.end() :].strip() if found else text.strip()
    if not body:
        left_out.note("empty notes", name)
        return None
    prose = _FENCED.sub(" ", body)
    tags = [*_listed(properties.pop("tags", [])), *_TAG.findall(prose)]
    targets = dict.fromkeys(
        by_name.get(_key(each.strip()), f"{each.strip()}.md") for each in _LINK.findall(prose)
    )
    targets.pop(name, None)
    title = file.stem
    return memory(
        SOURCE,
        name,
        body,
        memory_type="note",
        metadata={"title": title} | properties,
        tags=list(dict.fromkeys(tag.strip().removeprefix("#")[:100] for tag in tags if tag.strip()))[:100],
        links=[{"kind": "about", "external_id": each[:MOST_PATH]} for each in targets],
    )


def _properties(text: str) -> dict[str, Any]:
    """Return properties as Obsidian writes them: texts, numbers, booleans and lists of these."""
    found: dict[str, Any] = {}
    current = ""
    for line in text.splitlines():
        if line.startswith(("- ", "  - ")) and current:
            before = found[current] if isinstance(found[current], list) else []
            found[current] = [*before, _scalar(line.strip()[2:])]
        elif ":" in line and not line.startswith((" ", "#")):
            name, _, value = line.partition(":")
            current = name.strip()[:200]
            found[current] = _value(value.strip())
    return found


def _value(text: str) -> Any:
    if text.startswith("[") and text.endswith("]") and not text.startswith("[["):
        return [_scalar(each) for each in text[1:-1].split(",") if each.strip()]
    return _scalar(text)


def _scalar(text: str) -> Any:
    plain = text.strip()
    if len(plain) > 1 and plain[0] == plain[-1] and plain[0] in "\"'":
        return plain[1:-1]
    if plain in {"true", "false"}:
        return plain == "true"
    if re.fullmatch(r"-?\d{1,15}", plain):
        return int(plain)
    if re.fullmatch(r"-?\d{1,15}\.\d{1,15}", plain):
        return float(plain)
    return plain


def _listed(value: Any) -> list[str]:
    if isinstance(value, list):
        return [str(each) for each in value]
    return str(value).replace(",", " ").split()
