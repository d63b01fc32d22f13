"""The readers by kind, as in `manage.py import_from KIND`."""

from liftos.importers import chatgpt, claude, jsonl, letta, mcp_memory, mem0, obsidian, zep
from liftos.importers.types import Reader

READERS: dict[str, Reader] = {
    "mem0": mem0.read,
    "zep": zep.read,
    "letta": letta.read,
    "chatgpt": chatgpt.read,
    "claude": claude.read,
    "mcp-memory": mcp_memory.read,
    "obsidian": obsidian.read,
    "jsonl": jsonl.read,
}
