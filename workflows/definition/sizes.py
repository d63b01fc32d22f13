"""How deep and how large JSON is, found out without building anything larger."""

import json
from collections.abc import Mapping
from typing import Any


def deeper_than(value: Any, depth: int) -> bool:
    """Return whether lists and objects are nested more than so deep; level by level, so that no depth is too much to look at."""
    level = [value]
    for _ in range(depth):
        level = [
            inner
            for each in level
            if isinstance(each, Mapping | list | tuple)
            for inner in (each.values() if isinstance(each, Mapping) else each)
        ]
        if not level:
            return False
    return any(isinstance(each, Mapping | list | tuple) for each in level)


def json_bytes(value: Any) -> int:
    """Return the bytes of a value as JSON, as `liftos.kernel.db.jsonb.to_jsonb` writes it."""
    return utf8_bytes(json.dumps(value, ensure_ascii=False))


def utf8_bytes(text: str) -> int:
    """Return the bytes of a text in UTF-8; half of a surrogate pair counts 3."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def text_bytes(text: str) -> int:
    """Return the bytes that a text adds to a JSON string."""
    return json_bytes(text) - 2
