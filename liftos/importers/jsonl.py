"""JSON lines: memories as for the API, or objects with a text under another name."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from liftos.importers.types import LeftOut, Memory, UnreadableExport, memory

SOURCE = "jsonl"
_TEXTS = ("content", "text", "memory", "fact", "document")
_IDS = ("external_id", "id", "uuid", "key")
# fields of a memory that mean the same here
_KNOWN = (
    "metadata", "memory_type", "tags", "importance", "links", "valid_from", "valid_to", "thread", "expires_at",
    "ttl_seconds", "visible_to", "state", "index",
)  # fmt: skip


def read(path: Path, left_out: LeftOut) -> Iterator[Memory]:
    """Yield a memory for each line; fields that a memory lacks become metadata. Without an id, the text's digest is it."""
    try:
        with path.open(encoding="utf-8-sig") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    made = _memory(line)
                    if made is None:
                        left_out.note("lines that are not objects with a text", f"line {number}")
                    else:
                        yield made
    except (OSError, UnicodeDecodeError) as error:
        raise UnreadableExport(str(error)) from None


def _memory(line: str) -> Memory | None:
    try:
        value: Any = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, dict):
        return None
    name = next((each for each in _TEXTS if isinstance(value.get(each), str) and value[each].strip()), None)
    if name is None:
        return None
    text = value.pop(name)
    source = value.pop("source", None)
    identifier = next(
        (value.pop(each) for each in _IDS if isinstance(value.get(each), str | int) and value[each] != ""),
        None,
    )
    known = {each: value.pop(each) for each in _KNOWN if value.get(each) is not None}
    metadata = known.pop("metadata", {})
    if not isinstance(metadata, dict):
        metadata = {"metadata": metadata}
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    return memory(
        source if isinstance(source, str) and source else SOURCE,
        str(identifier) if identifier is not None else f"sha256:{digest}",
        text,
        metadata=value | metadata,
        **known,
    )
