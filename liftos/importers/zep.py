"""Zep: JSON with `nodes`, `edges` and `episodes` of a graph, and `messages` of sessions or threads, as its API returns them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from liftos.importers.files import json_files, records, text_of
from liftos.importers.types import LeftOut, Memory, UnreadableExport, memory

SOURCE = "zep"
_SECTIONS = ("nodes", "edges", "episodes", "messages", "facts", "sessions", "threads")


def read(path: Path, left_out: LeftOut) -> Iterator[Memory]:
    """Yield facts with their validity, entities, episodes and messages."""
    for name, value in json_files(path):
        if not isinstance(value, dict) or not any(key in value for key in _SECTIONS):
            raise UnreadableExport(f"{name} has none of {', '.join(_SECTIONS)}")
        names = {text_of(each.get("uuid")): text_of(each.get("name")) for each in records(value.get("nodes"))}
        yield from _of_all(value, name, names, left_out)
        for session in [*records(value.get("sessions")), *records(value.get("threads"))]:
            yield from _of_all(session, name, names, left_out)
        for key in sorted(value.keys() - set(_SECTIONS) - {"session_id", "thread_id"}):
            left_out.note(f"the section {key}", name)


def _of_all(value: dict[str, Any], where: str, names: dict[str, str], left_out: LeftOut) -> Iterator[Memory]:
    thread = text_of(value.get("session_id") or value.get("thread_id"))
    made = [
        *(_node(each) for each in records(value.get("nodes"))),
        *(_edge(each, names) for each in [*records(value.get("edges")), *records(value.get("facts"))]),
        *(_said(each, "episode", thread) for each in records(value.get("episodes"))),
        *(_said(each, "message", thread) for each in records(value.get("messages"))),
    ]
    for each in made:
        if each["external_id"] and each["content"]:
            yield each
        else:
            left_out.note("entries without id or text", where)


def _node(each: dict[str, Any]) -> Memory:
    name, summary = text_of(each.get("name")), text_of(each.get("summary"))
    about = {
        "name": name,
        "labels": each.get("labels"),
        "attributes": each.get("attributes"),
        "created_at": each.get("created_at"),
    }
    return memory(
        SOURCE, text_of(each.get("uuid")), f"{name}\n{summary}".strip(), memory_type="entity", metadata=about
    )


def _edge(each: dict[str, Any], names: dict[str, str]) -> Memory:
    ends = [text_of(each.get(key)) for key in ("source_node_uuid", "target_node_uuid")]
    about = {
        "name": each.get("name"), "created_at": each.get("created_at"), "rating": each.get("rating"),
        "entities": [names[end] for end in ends if names.get(end)],
    }  # fmt: skip
    return memory(
        SOURCE,
        text_of(each.get("uuid")),
        text_of(each.get("fact")),
        memory_type="fact",
        metadata=about,
        valid_from=each.get("valid_at"),
        valid_to=each.get("invalid_at"),
        links=[{"kind": "about", "external_id": end} for end in dict.fromkeys(ends) if end],
    )


def _said(each: dict[str, Any], kind: str, thread: str) -> Memory:
    own = text_of(each.get("session_id") or each.get("thread_id")) or thread
    about = {key: each.get(key) for key in ("role", "role_type", "name", "source_description", "created_at")}
    given = each.get("metadata")
    return memory(
        SOURCE, text_of(each.get("uuid") or each.get("uuid_")), text_of(each.get("content")), memory_type=kind,
        metadata=(given if isinstance(given, dict) else {}) | about, thread=f"zep:{own}"[:300] if own else "",
    )  # fmt: skip
