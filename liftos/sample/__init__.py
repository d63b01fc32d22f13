"""The sample organisation: a fictional outdoor retailer and what its marketing team learned in a year."""

import json
from collections.abc import Iterator
from importlib.resources import files

from memory.types import LinkDraft, LinkKind, MemoryDraft

NAME = "Harbour and Pine"
SOURCE = "sample"


def sample_memories() -> Iterator[MemoryDraft]:
    """Yield the sample's memories."""
    text = files("liftos.sample").joinpath("memories.jsonl").read_text(encoding="utf-8")
    for line in text.splitlines():
        row = json.loads(line)
        links = tuple(LinkDraft(LinkKind(kind), target) for kind, target in row.pop("links", {}).items())
        yield MemoryDraft(**row, source=SOURCE, links=links)
