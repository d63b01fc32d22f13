"""Letta: an agent file (`.af`: agents, blocks, messages), or the passages of archival memory as JSON."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from liftos.importers.files import json_files, records, text_of
from liftos.importers.types import LeftOut, Memory, UnreadableExport, memory

SOURCE = "letta"
_SPOKEN = ("user", "assistant")


def read(path: Path, left_out: LeftOut) -> Iterator[Memory]:
    """Yield blocks of core memory, passages, and what was said."""
    for name, value in json_files(path):
        if isinstance(value, dict) and isinstance(value.get("agents"), list):
            yield from _agent_file(value, name, left_out)
            continue
        found = records(value, "passages", "archival_memory")
        if not found:
            raise UnreadableExport(f"{name} has neither agents nor passages")
        for each in found:
            yield from _passage(each, name, left_out)


def _agent_file(value: dict[str, Any], where: str, left_out: LeftOut) -> Iterator[Memory]:
    for block in records(value.get("blocks")):
        text = text_of(block.get("value"))
        if not text:
            left_out.note("empty blocks", where)
            continue
        label = text_of(block.get("label"))
        about = {"label": label, "description": block.get("description")}
        yield memory(SOURCE, _identifier(value, block), text, memory_type="block", metadata=about)
    for agent in records(value["agents"]):
        for passage in records(agent.get("passages") or agent.get("archival_memory") or []):
            yield from _passage(passage, where, left_out)
        yield from _messages(value, agent, where, left_out)
    for key in ("tools", "files", "sources", "mcp_servers", "groups"):
        left_out.note(f"the section {key}", where, len(value.get(key) or ()))


def _identifier(value: dict[str, Any], each: dict[str, Any], agent: str = "") -> str:
    """Return an id; those in an agent file (`block-0`) are only unique in it, with its time."""
    return ":".join(filter(None, [text_of(value.get("created_at")), agent, text_of(each.get("id"))]))


def _passage(each: dict[str, Any], where: str, left_out: LeftOut) -> Iterator[Memory]:
    text, identifier = text_of(each.get("text")), text_of(each.get("id"))
    if not text or not identifier:
        left_out.note("passages without id or text", where)
        return
    given = each.get("metadata") or each.get("metadata_")
    about = (given if isinstance(given, dict) else {}) | {"created_at": each.get("created_at")}
    tags = [str(tag) for tag in each.get("tags") or []]
    yield memory(SOURCE, identifier, text, memory_type="passage", metadata=about, tags=tags)


def _messages(
    value: dict[str, Any], agent: dict[str, Any], where: str, left_out: LeftOut
) -> Iterator[Memory]:
    name, before = text_of(agent.get("id")), ""
    for each in records(agent.get("messages") or []):
        role, text = each.get("role"), _text(each.get("content") or each.get("text"))
        if role not in _SPOKEN or not text or not each.get("id"):
            left_out.note("messages of the system and of tools, or without text", where)
            continue
        identifier = _identifier(value, each, name)
        yield memory(
            SOURCE, identifier, text, memory_type="message",
            metadata={"role": role, "agent": agent.get("name"), "created_at": each.get("created_at")},
            thread=f"letta:{_identifier(value, agent)}"[:300],
            links=[{"kind": "follows", "external_id": before}] if before else [],
        )  # fmt: skip
        before = identifier


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content.strip()
    return "\n".join(
        filter(None, (text_of(each.get("text")) for each in records(content) if each.get("type") == "text"))
    )
