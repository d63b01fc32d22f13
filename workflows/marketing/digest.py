"""A digest of memories: new ones, related earlier ones, and numbered sources. No Django, no model."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

MAX_HEADLINE = 240
RELATED_SHARE = 0.5
"""Minimum score of a quoted related memory, relative to the best hit, which is the new memory itself."""
_END = re.compile(r"(?<=[.!?])\s+(?=[^\W\d_a-zäöü])")


@dataclass(frozen=True, slots=True)
class Digest:
    """A digest.

    Attributes:
        content: plain text, one line per memory, with numbered sources at the end.
        memory_ids: the sources, in the order of their numbers.
        count: number of new memories.
    """

    content: str
    memory_ids: tuple[str, ...]
    count: int


@dataclass(slots=True)
class _Sources:
    """Source numbers of memories, in the order of their first quotation."""

    numbers: dict[str, int] = field(default_factory=dict)

    def mark(self, memory: str) -> str:
        return f"[{self.numbers.setdefault(memory, len(self.numbers) + 1)}]"


def compose(
    *, title: str, memories: Sequence[Mapping[str, Any]], related: Sequence[Mapping[str, Any] | None]
) -> Digest:
    """Compose a digest.

    Args:
        title: its first line.
        memories: the new memories, in order: `id, content, memory_type, contradicts`.
        related: for each of them, the search results for its content: `{"results": [{id, content, score}]}`.
    """
    new = {str(each["id"]): each for each in memories}
    sources = _Sources()
    lines = [title, "=" * len(title)]
    for memory_type in dict.fromkeys(str(each.get("memory_type", "")) for each in memories):
        lines += ["", memory_type.replace("_", " ").capitalize() or "Other"]
        for place, memory in enumerate(memories):
            if str(memory.get("memory_type", "")) == memory_type:
                lines.append(f"- {headline(str(memory['content']))} {sources.mark(str(memory['id']))}")
                lines += _before(memory, related[place] if place < len(related) else None, new, sources)
    lines += ["", "Sources", *(f"[{number}] memory {memory}" for memory, number in sources.numbers.items())]
    return Digest("\n".join(lines), tuple(sources.numbers), len(memories))


def _before(
    memory: Mapping[str, Any], found: Mapping[str, Any] | None, new: Mapping[str, Any], sources: _Sources
) -> list[str]:
    """Return the lines for earlier memories: contradicted ones first, then related ones."""
    hits = list((found or {}).get("results", ()))
    best = max((float(hit["score"]) for hit in hits), default=0.0)
    against = {str(each) for each in memory.get("contradicts", ())}
    lines = []
    for hit in sorted(hits, key=lambda hit: str(hit["id"]) not in against):
        known = str(hit["id"])
        if known == str(memory["id"]):
            continue
        text, mark = headline(str(hit["content"])), sources.mark
        if known in against:
            lines.append(f"  contradicts: {text} {mark(known)}")
        elif known not in new and float(hit["score"]) >= RELATED_SHARE * best:
            lines.append(f"  known before: {text} {mark(known)}")
    return lines


def headline(text: str) -> str:
    """Return the first sentence of a text on one line, at most MAX_HEADLINE characters."""
    plain = " ".join(text.split())
    first = _END.split(plain, maxsplit=1)[0]
    return first if len(first) <= MAX_HEADLINE else f"{first[: MAX_HEADLINE - 1].rstrip()}…"
