"""mem0: what `get_all`, or an export job, returns: `{"results": [{id, memory, user_id, metadata, categories, …}]}`."""

from collections.abc import Iterator
from pathlib import Path

from liftos.importers.files import json_files, records, text_of
from liftos.importers.types import LeftOut, Memory, UnreadableExport, memory

SOURCE = "mem0"
_OWN = ("user_id", "agent_id", "app_id", "actor_id", "role", "created_at", "updated_at")


def read(path: Path, left_out: LeftOut) -> Iterator[Memory]:
    """Yield the memories; a run's id becomes the thread, categories become tags."""
    for name, value in json_files(path):
        found = records(value, "results", "memories")
        if not found:
            raise UnreadableExport(f"{name} has no list of memories")
        for number, each in enumerate(found, 1):
            text = text_of(each.get("memory") or each.get("data") or each.get("text"))
            if not text or not each.get("id"):
                left_out.note("memories without id or text", f"{name}, {number}")
                continue
            given = each.get("metadata")
            metadata = {key: each.get(key) for key in _OWN} | (given if isinstance(given, dict) else {})
            yield memory(
                SOURCE,
                str(each["id"]),
                text,
                metadata=metadata,
                tags=[str(tag) for tag in each.get("categories") or []],
                thread=text_of(each.get("run_id")),
                expires_at=each.get("expiration_date"),
            )
        if isinstance(value, dict):
            left_out.note("relations of the graph", name, len(value.get("relations") or ()))
