"""Fake registered functions for templates in tests."""

from dataclasses import dataclass, field, replace
from typing import Any


@dataclass(frozen=True)
class Function:
    name: str
    version: int = 1
    schema: dict[str, Any] = field(default_factory=dict)


SEARCH = Function(
    "memory.search",
    version=2,
    schema={
        "type": "object",
        "additionalProperties": False,
        "required": ["query"],
        "properties": {
            "query": {"type": "string"},
            "limit": {"type": "integer", "minimum": 1, "maximum": 100, "default": 10},
            "search_type": {"$ref": "#/$defs/SearchType", "default": "hybrid"},
            "filters": {"anyOf": [{"type": "object"}, {"type": "null"}]},
        },
        "$defs": {"SearchType": {"type": "string", "enum": ["hybrid", "neural", "knowledge"]}},
    },
)
STORE = Function(
    "memory.store",
    schema={
        "type": "object",
        "additionalProperties": False,
        "required": ["content"],
        "properties": {
            "content": {"type": "string"},
            "tags": {"type": "array", "items": {"type": "string"}},
            "importance": {"type": "number", "minimum": 0, "maximum": 1},
        },
    },
)
ANYTHING = Function("any.thing")

_ALL = {each.name: each for each in (SEARCH, STORE, ANYTHING, replace(SEARCH, name="enhanced_search"))}


def functions(name: str) -> Function | None:
    bare, _, version = name.partition("@")
    found = _ALL.get(bare)
    return found if found is None or not version or found.version == int(version) else None
