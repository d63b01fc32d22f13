"""The reference MCP memory server's file (`memory.jsonl`), into what its tools read here (`/mcp/memory`)."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from liftos.importers.types import LeftOut, Memory, UnreadableExport
from liftos.mcp.tools.graph_store import Entity, Relation, entity_memory, relation_memory


def read(path: Path, left_out: LeftOut) -> Iterator[Memory]:
    """Yield entities and relations."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UnreadableExport(str(error)) from None
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        made = _memory(line)
        if made is None:
            left_out.note("lines that are neither entities nor relations", f"line {number}")
        else:
            yield made


def _memory(line: str) -> Memory | None:
    try:
        value: Any = json.loads(line)
    except ValueError:
        return None
    if not isinstance(value, dict):
        return None
    if value.get("type") == "entity" and value.get("name"):
        observations = value.get("observations")
        kept = tuple(map(str, observations)) if isinstance(observations, list) else ()
        return entity_memory(Entity(str(value["name"]), str(value.get("entityType", "")), kept))
    if value.get("type") == "relation" and value.get("from") and value.get("to"):
        return relation_memory(
            Relation(str(value["from"]), str(value["to"]), str(value.get("relationType", "")))
        )
    return None
