"""ChatGPT's data export: the zip, its directory, or `conversations.json`."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from liftos.importers.files import json_files, records, text_of
from liftos.importers.types import LeftOut, Memory, memory

SOURCE = "chatgpt"
_SPOKEN = ("user", "assistant")


def read(path: Path, left_out: LeftOut) -> Iterator[Memory]:
    """Yield what was said in each conversation, along the branch that was shown last; the title is in the metadata."""
    for name, value in json_files(path, ["conversations"]):
        for number, conversation in enumerate(records(value, "conversations"), 1):
            yield from _messages(conversation, f"{name}, conversation {number}", left_out)


def _messages(conversation: dict[str, Any], where: str, left_out: LeftOut) -> Iterator[Memory]:
    nodes = conversation.get("mapping")
    thread = text_of(conversation.get("conversation_id") or conversation.get("id"))
    if not isinstance(nodes, dict) or not thread:
        left_out.note("conversations without id or messages", where)
        return
    branch = _branch(nodes, conversation.get("current_node"))
    left_out.note(
        "messages of other branches",
        where,
        sum(_is_spoken(nodes[each]) for each in nodes if each not in branch),
    )
    before = ""
    for node in branch:
        message = nodes[node].get("message")
        if not isinstance(message, dict):
            continue
        role = (message.get("author") or {}).get("role")
        text = _text(message.get("content"), where, left_out)
        if role not in _SPOKEN or not text:
            left_out.note(f"messages of {role or 'nobody'} or without text", where, role != "system")
            continue
        identifier = str(message.get("id") or node)
        yield memory(
            SOURCE,
            identifier,
            text,
            memory_type="message",
            metadata={
                "role": role,
                "title": conversation.get("title"),
                "created_at": _time(message.get("create_time")),
            },
            thread=f"chatgpt:{thread}"[:300],
            links=[{"kind": "follows", "external_id": before}] if before else [],
        )
        before = identifier


def _branch(nodes: dict[str, Any], last: Any) -> list[str]:
    """Return the nodes from the root to the last one shown; all in their order if the export names none."""
    if not isinstance(last, str) or last not in nodes:
        return [each for each in nodes if isinstance(nodes[each], dict)]
    path: dict[str, None] = {}
    while isinstance(last, str) and isinstance(nodes.get(last), dict) and last not in path:
        path[last] = None
        last = nodes[last].get("parent")
    return list(reversed(path))


def _is_spoken(node: Any) -> bool:
    message = node.get("message") if isinstance(node, dict) else None
    return isinstance(message, dict) and (message.get("author") or {}).get("role") in _SPOKEN


def _text(content: Any, where: str, left_out: LeftOut) -> str:
    parts = content.get("parts") if isinstance(content, dict) else None
    if not isinstance(parts, list):
        return text_of(content.get("text")) if isinstance(content, dict) else ""
    left_out.note("images, audio and files", where, sum(not isinstance(part, str) for part in parts))
    return "\n".join(part for part in parts if isinstance(part, str)).strip()


def _time(seconds: Any) -> str | None:
    if not isinstance(seconds, int | float):
        return None
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat()
    except (OverflowError, ValueError, OSError):
        return None
