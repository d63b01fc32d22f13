"""Claude's data export: the zip, its directory, or `conversations.json`; projects' documents and memories too."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from liftos.importers.files import json_files, records, text_of
from liftos.importers.types import LeftOut, Memory, memory

SOURCE = "claude"
_ROLES = {"human": "user", "assistant": "assistant"}


def read(path: Path, left_out: LeftOut) -> Iterator[Memory]:
    """Yield messages, attached texts, documents of projects and Claude's own memories."""
    for name, value in json_files(
        path, ["conversations", "projects", "memories"] if _has_several(path) else []
    ):
        for number, each in enumerate(records(value, "conversations", "projects"), 1):
            where = f"{name}, {number}"
            if isinstance(each.get("chat_messages"), list):
                yield from _messages(each, where, left_out)
            elif isinstance(each.get("docs"), list):
                yield from _documents(each, where, left_out)
            elif "conversations_memory" in each or "project_memories" in each:
                yield from _memories(each, where)
            else:
                left_out.note("entries of unknown form", where)


def _has_several(path: Path) -> bool:
    return path.is_dir() or path.suffix == ".zip"


def _messages(conversation: dict[str, Any], where: str, left_out: LeftOut) -> Iterator[Memory]:
    thread, before = text_of(conversation.get("uuid")), ""
    for each in records(conversation["chat_messages"]):
        identifier, text = text_of(each.get("uuid")), _text(each, where, left_out)
        role = _ROLES.get(text_of(each.get("sender")))
        about = {"title": conversation.get("name"), "created_at": each.get("created_at")}
        for number, attached in enumerate(records(each.get("attachments") or []), 1):
            if content := text_of(attached.get("extracted_content")):
                yield memory(
                    SOURCE, f"{identifier}/{number}", content, memory_type="attachment",
                    metadata=about | {"file_name": attached.get("file_name")}, thread=f"claude:{thread}"[:300],
                )  # fmt: skip
        left_out.note("files without text", where, len(each.get("files") or ()))
        if not role or not text or not identifier:
            left_out.note("messages without sender or text", where)
            continue
        yield memory(
            SOURCE, identifier, text, memory_type="message", metadata={"role": role} | about,
            thread=f"claude:{thread}"[:300], links=[{"kind": "follows", "external_id": before}] if before else [],
        )  # fmt: skip
        before = identifier


def _text(message: dict[str, Any], where: str, left_out: LeftOut) -> str:
    blocks = records(message.get("content") or [])
    texts = [text_of(each.get("text")) for each in blocks if each.get("type") == "text"]
    left_out.note("thoughts and uses of tools", where, sum(each.get("type") != "text" for each in blocks))
    return "\n\n".join(filter(None, texts)) or text_of(message.get("text"))


def _documents(project: dict[str, Any], where: str, left_out: LeftOut) -> Iterator[Memory]:
    name = project.get("name")
    for each in records(project["docs"]):
        identifier, text = text_of(each.get("uuid")), text_of(each.get("content"))
        if not identifier or not text:
            left_out.note("documents without text", where)
            continue
        about = {"project": name, "file_name": each.get("filename"), "created_at": each.get("created_at")}
        yield memory(SOURCE, identifier, text, memory_type="document", metadata=about)
    left_out.note("instructions of projects", where, bool(text_of(project.get("prompt_template"))))


def _memories(account: dict[str, Any], where: str) -> Iterator[Memory]:
    owner = text_of(account.get("account_uuid")) or where
    if text := text_of(account.get("conversations_memory")):
        yield memory(SOURCE, f"memory:{owner}"[:300], text, memory_type="profile")
    projects = account.get("project_memories")
    for project, value in projects.items() if isinstance(projects, dict) else ():
        if text := text_of(value):
            yield memory(
                SOURCE,
                f"memory:{owner}:{project}"[:300],
                text,
                memory_type="profile",
                metadata={"project": project},
            )
