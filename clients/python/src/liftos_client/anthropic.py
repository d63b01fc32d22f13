"""The memory tool of Anthropic's SDK in LiftOS: `LiftosMemoryTool` and `LiftosAsyncMemoryTool` (extra `anthropic`)."""

import asyncio
import json
import posixpath
from collections.abc import Mapping, Sequence
from typing import Any

from anthropic.lib.tools import BetaAbstractMemoryTool, BetaAsyncAbstractMemoryTool, ToolError
from anthropic.types.beta import (
    BetaMemoryTool20250818CreateCommand,
    BetaMemoryTool20250818DeleteCommand,
    BetaMemoryTool20250818InsertCommand,
    BetaMemoryTool20250818RenameCommand,
    BetaMemoryTool20250818StrReplaceCommand,
    BetaMemoryTool20250818ViewCommand,
)

from liftos_client.clients import Client
from liftos_client.errors import Conflict, InvalidRequest, PreconditionFailed
from liftos_client.models import Memory

ROOT = "/memories"
KIND = "file"
MAX_PATH = 200
MAX_LINES = 999_999
WIDTH = len(str(MAX_LINES))
DEPTH = 2
TRIES = 5
TOGETHER = 1_000


class _Files:
    """The tool's commands on files, which are memories of a source: the path is the external id, the text the content.

    A directory exists while it has files; its size is theirs. Results and errors are in the words of Anthropic's own tool for local files.
    """

    def __init__(self, client: Client, source: str, fields: Mapping[str, Any] | None) -> None:
        self.client = client
        self.source = source
        self.fields = dict(fields or {})

    def view(self, command: BetaMemoryTool20250818ViewCommand) -> str:
        path = _path(command.path)
        found = None if path == ROOT else self.file(path)
        if found is not None:
            return _numbered(command, _text(found))
        files = self.below(path)
        if not files and path != ROOT:
            raise ToolError(f"The path {command.path} does not exist. Please provide a valid path.")
        sizes = {each: len(_text(memory).encode()) for each, memory in files.items()}
        header = f"Here're the files and directories up to {DEPTH} levels deep in {command.path}, excluding hidden items:"
        lines = [f"{_size(sum(sizes.values()))}\t{command.path}"]
        lines += [f"{_size(size)}\t{command.path}/{name}" for name, size in _tree(path, sizes)]
        return "\n".join([header, *lines])

    def create(self, command: BetaMemoryTool20250818CreateCommand) -> str:
        path = _path(command.path)
        if path == ROOT or self.below(path):
            raise ToolError(f"File {command.path} already exists")
        self.check_parents(path)
        memory = self.memory(path, command.file_text)
        try:
            stored = self.client.remember(memory.pop("content"), **memory)
        except Conflict as error:
            if error.code != "memory.external_id_taken":
                raise ToolError(str(error)) from error
            raise ToolError(f"File {command.path} already exists") from error
        except InvalidRequest as error:
            raise ToolError(str(error)) from error
        if stored.outcome != "stored":
            raise ToolError(f"File {command.path} already exists")
        return f"File created successfully at: {command.path}"

    def str_replace(self, command: BetaMemoryTool20250818StrReplaceCommand) -> str:
        changed = 0

        def replaced(text: str) -> str:
            nonlocal changed
            places = _places(text, command.old_str)
            if not places:
                raise ToolError(
                    f"No replacement was performed, old_str `{command.old_str}` did not appear verbatim in {command.path}."
                )
            lines = [text[:place].count("\n") + 1 for place in places]
            if text.count(command.old_str) > 1:
                raise ToolError(
                    f"No replacement was performed. Multiple occurrences of old_str `{command.old_str}` in lines: "
                    f"{', '.join(map(str, lines))}. Please ensure it is unique"
                )
            changed = lines[0] - 1
            return text.replace(command.old_str, command.new_str)

        text = self.edit(command.path, replaced)
        lines = text.split("\n")
        around = range(max(0, changed - 2), min(len(lines), changed + 3))
        snippet = "\n".join(f"{str(number + 1).rjust(WIDTH)}\t{lines[number]}" for number in around)
        return (
            "The memory file has been edited. Here is the snippet showing the change (with line numbers):\n"
            + snippet
        )

    def insert(self, command: BetaMemoryTool20250818InsertCommand) -> str:
        def inserted(text: str) -> str:
            lines = text.split("\n")
            if lines[-1] == "":
                lines.pop()
            if not 0 <= command.insert_line <= len(lines):
                raise ToolError(
                    f"Invalid `insert_line` parameter: {command.insert_line}. It should be within the range [0, {len(lines)}]."
                )
            lines.insert(command.insert_line, command.insert_text.rstrip("\n"))
            joined = "\n".join(lines)
            return joined if joined.endswith("\n") else joined + "\n"

        self.edit(command.path, inserted)
        return f"The file {command.path} has been edited."

    def delete(self, command: BetaMemoryTool20250818DeleteCommand) -> str:
        path = _path(command.path)
        if path == ROOT:
            raise ToolError(f"Cannot delete the {ROOT} directory itself")
        found = self.file(path)
        gone = [found.id] if found else [memory.id for memory in self.below(path).values()]
        if not gone:
            raise ToolError(f"The path {command.path} does not exist")
        self.erase(gone, "Deleted by the memory tool")
        return f"Successfully deleted {command.path}"

    def rename(self, command: BetaMemoryTool20250818RenameCommand) -> str:
        old, new = _path(command.old_path), _path(command.new_path)
        if old == ROOT:
            raise ToolError(f"Cannot rename the {ROOT} directory itself")
        if new == ROOT or self.file(new) or self.below(new):
            raise ToolError(f"The destination {command.new_path} already exists")
        if new.startswith(f"{old}/"):
            raise ToolError(f"The destination {command.new_path} is within {command.old_path}")
        found = self.file(old)
        files = {old: found} if found else self.below(old)
        if not files:
            raise ToolError(f"The path {command.old_path} does not exist")
        if len(files) > TOGETHER:
            raise ToolError(f"The directory {command.old_path} has more than {TOGETHER} files")
        self.check_parents(new)
        moved = [self.memory(_path(new + path[len(old) :]), _text(file)) for path, file in files.items()]
        results = self.client.remember_many(moved)
        if not all(each.status == 201 for each in results):
            self.erase([each.id for each in results if each.status == 201 and each.id], "Not renamed")
            raise ToolError(f"The destination {command.new_path} already exists")
        self.erase([file.id for file in files.values()], f"Renamed to {new}")
        return f"Successfully renamed {command.old_path} to {command.new_path}"

    def clear(self) -> str:
        self.client.request("DELETE", "/api/v1/memories", query={"source": self.source})
        return "All memory cleared"

    def file(self, path: str) -> Memory | None:
        """Return the file at a path."""
        return next(iter(self.client.list(source=self.source, external_id=path)), None)

    def below(self, path: str) -> dict[str, Memory]:
        """Return the files of a directory and those below by path."""
        found = self.client.list(source=self.source, filters={"path": {"$startswith": f"{path}/"}})
        return {str(memory.external_id): memory for memory in found}

    def check_parents(self, path: str) -> None:
        """Refuse a path below a file."""
        parent = posixpath.dirname(path)
        while parent != ROOT:
            if self.file(parent) is not None:
                raise ToolError(f"The path {parent} is not a directory.")
            parent = posixpath.dirname(parent)

    def edit(self, named: str, change: Any) -> str:
        """Change a file's text, anew if somebody else changes it at the same time; return it."""
        path = _path(named)
        for _ in range(TRIES):
            found = None if path == ROOT else self.file(path)
            if found is None:
                if path == ROOT or self.below(path):
                    raise ToolError(f"The path {named} is not a file.")
                raise ToolError(f"The path {named} does not exist. Please provide a valid path.")
            text: str = change(_text(found))
            new = self.memory(path, text)
            try:
                changes = {name: new[name] for name in ("content", "index", "metadata")}
                self.client.correct(found.id, version=found.version, **changes)
            except PreconditionFailed:
                continue
            except (Conflict, InvalidRequest) as error:
                raise ToolError(str(error)) from error
            return text
        raise ToolError(f"The file {named} is being changed by others; try again.")

    def memory(self, path: str, text: str) -> dict[str, Any]:
        """Return a file as a memory; a blank one is kept, but not searched."""
        is_blank = not text.strip()
        own = {"metadata": {"path": path} | ({"blank": json.dumps(text)} if is_blank else {})}
        named = {"source": self.source, "external_id": path, "memory_type": KIND}
        return {
            **self.fields,
            **own,
            **named,
            "content": {"path": path} if is_blank else text,
            "index": not is_blank,
        }

    def erase(self, memories: Sequence[str], reason: str) -> None:
        for start in range(0, len(memories), TOGETHER):
            body = {"ids": list(memories[start : start + TOGETHER]), "reason": reason}
            self.client.request("POST", "/api/v1/memories/delete", body=body)


class LiftosMemoryTool(BetaAbstractMemoryTool):
    """Claude's memory as memories of LiftOS, found by `recall` too.

    Args:
        client: whose key's sight the files have.
        source: the memories' source; each has a `/memories` of its own.
        fields: further fields of the memories, such as `visible_to`.
        more: arguments of the SDK's class.
    """

    def __init__(
        self,
        client: Client,
        *,
        source: str = "anthropic-memory",
        fields: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> None:
        """Create the tool; nothing is sent."""
        super().__init__(**more)
        self._files = _Files(client, source, fields)

    def view(self, command: BetaMemoryTool20250818ViewCommand) -> str:
        """Return a file with line numbers, or a directory's contents."""
        return self._files.view(command)

    def create(self, command: BetaMemoryTool20250818CreateCommand) -> str:
        """Create a file."""
        return self._files.create(command)

    def str_replace(self, command: BetaMemoryTool20250818StrReplaceCommand) -> str:
        """Replace a text that occurs once in a file."""
        return self._files.str_replace(command)

    def insert(self, command: BetaMemoryTool20250818InsertCommand) -> str:
        """Insert lines into a file."""
        return self._files.insert(command)

    def delete(self, command: BetaMemoryTool20250818DeleteCommand) -> str:
        """Erase a file or directory."""
        return self._files.delete(command)

    def rename(self, command: BetaMemoryTool20250818RenameCommand) -> str:
        """Rename a file or directory: it is stored anew, without its history."""
        return self._files.rename(command)

    def clear_all_memory(self) -> str:
        """Erase all files."""
        return self._files.clear()


class LiftosAsyncMemoryTool(BetaAsyncAbstractMemoryTool):
    """As `LiftosMemoryTool`, for the asynchronous SDK; commands run in a thread."""

    def __init__(
        self,
        client: Client,
        *,
        source: str = "anthropic-memory",
        fields: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> None:
        """Create the tool; nothing is sent."""
        super().__init__(**more)
        self._files = _Files(client, source, fields)

    async def view(self, command: BetaMemoryTool20250818ViewCommand) -> str:
        """Return a file with line numbers, or a directory's contents."""
        return await asyncio.to_thread(self._files.view, command)

    async def create(self, command: BetaMemoryTool20250818CreateCommand) -> str:
        """Create a file."""
        return await asyncio.to_thread(self._files.create, command)

    async def str_replace(self, command: BetaMemoryTool20250818StrReplaceCommand) -> str:
        """Replace a text that occurs once in a file."""
        return await asyncio.to_thread(self._files.str_replace, command)

    async def insert(self, command: BetaMemoryTool20250818InsertCommand) -> str:
        """Insert lines into a file."""
        return await asyncio.to_thread(self._files.insert, command)

    async def delete(self, command: BetaMemoryTool20250818DeleteCommand) -> str:
        """Erase a file or directory."""
        return await asyncio.to_thread(self._files.delete, command)

    async def rename(self, command: BetaMemoryTool20250818RenameCommand) -> str:
        """Rename a file or directory: it is stored anew, without its history."""
        return await asyncio.to_thread(self._files.rename, command)

    async def clear_all_memory(self) -> str:
        """Erase all files."""
        return await asyncio.to_thread(self._files.clear)


def _path(given: str) -> str:
    """Return a path in its plain form; refuse what is not below the root."""
    if given != ROOT and not given.startswith(f"{ROOT}/"):
        raise ToolError(f"Path must start with {ROOT}, got: {given}")
    path = posixpath.normpath(given)
    if path != ROOT and not path.startswith(f"{ROOT}/"):
        raise ToolError(f"Path {given} would escape {ROOT} directory")
    if "\x00" in path or len(path) > MAX_PATH:
        raise ToolError(f"A path has at most {MAX_PATH} characters, and no NUL")
    return path


def _text(memory: Memory) -> str:
    if "blank" in memory.metadata:
        return str(json.loads(memory.metadata["blank"]))
    return str(memory.content)


def _places(text: str, wanted: str) -> list[int]:
    places, place = [], text.find(wanted)
    while place != -1:
        places.append(place)
        place = text.find(wanted, place + 1)
    return places


def _numbered(command: BetaMemoryTool20250818ViewCommand, text: str) -> str:
    lines = text.split("\n")
    if len(lines) > MAX_LINES:
        raise ToolError(f"File {command.path} exceeds maximum line limit of {MAX_LINES:,} lines.")
    start, end = 0, len(lines)
    if command.view_range and len(command.view_range) == 2:
        start = max(1, command.view_range[0]) - 1
        end = len(lines) if command.view_range[1] == -1 else command.view_range[1]
    shown = [f"{str(start + number).rjust(WIDTH)}\t{line}" for number, line in enumerate(lines[start:end], 1)]
    return f"Here's the content of {command.path} with line numbers:\n" + "\n".join(shown)


def _tree(root: str, sizes: Mapping[str, int]) -> list[tuple[str, int]]:
    """Return names below a directory, as deep as shown, with sizes; a directory's ends with a slash and comes before its contents."""
    entries: dict[tuple[str, ...], int] = {}
    directories: set[tuple[str, ...]] = set()
    for path, size in sizes.items():
        parts = tuple(path[len(root) + 1 :].split("/"))
        if any(part.startswith(".") for part in parts[:DEPTH]):
            continue
        for depth in range(1, min(DEPTH, len(parts)) + 1):
            entries[parts[:depth]] = entries.get(parts[:depth], 0) + size
            if depth < len(parts):
                directories.add(parts[:depth])
    return [
        ("/".join(parts) + ("/" if parts in directories else ""), entries[parts]) for parts in sorted(entries)
    ]


def _size(size: int) -> str:
    if size == 0:
        return "0B"
    units = "BKMG"
    power = min((size.bit_length() - 1) // 10, len(units) - 1)
    scaled = size / 1024**power
    return f"{int(scaled)}{units[power]}" if scaled == int(scaled) else f"{scaled:.1f}{units[power]}"
