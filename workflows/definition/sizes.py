"""The depth and size of JSON values."""

import json
from collections.abc import Mapping
from typing import Any


def deeper_than(value: Any, depth: int) -> bool:
    """Return whether lists and objects are nested deeper than a limit; iterative, so that any depth can be checked."""
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
    """Return the size in bytes of a value as `liftos.kernel.db.jsonb.to_jsonb` writes it."""
    return utf8_bytes(json.dumps(value, ensure_ascii=False))


def utf8_bytes(text: str) -> int:
    """Return the size of a text in UTF-8; a lone surrogate counts 3 bytes."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def text_bytes(text: str) -> int:
    """Return the size of a text inside a JSON string, in bytes."""
    return json_bytes(text) - 2
