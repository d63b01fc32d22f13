"""From metadata to filterable scalars. Pure.

A nested key is its dotted path; a list gives one row for each of its scalars, so that equality on a list means "holds".
Texts carry a type mark, so that the text "true" is not the boolean; a long text is indexed by its hash.
"""

import hashlib
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

# a B-tree entry holds at most 2,704 bytes: key and text together must stay below it at 4 bytes a character
LONG = 200
MAX_KEY = 200

Scalar = tuple[str | None, Decimal | None]


def text_mark(value: str | bool | None) -> str:
    """Return the indexed form of a text, a boolean or null; texts keep their order among themselves."""
    if value is None:
        return "n"
    if isinstance(value, bool):
        return f"b{str(value).lower()}"
    if len(value) > LONG:
        return "h" + hashlib.sha256(value.encode()).hexdigest()
    return "s" + value


def scalar_of(value: Any) -> Scalar:
    """Return a JSON scalar as (text, None) or (None, number)."""
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return text_mark(value), None
    return None, Decimal(str(value))


def attributes_of(
    metadata: dict[str, Any], prefix: str = ""
) -> Iterator[tuple[str, str | None, Decimal | None]]:
    """Yield (key, text, number) for every scalar in the metadata, each once for each key and value."""
    seen: set[tuple[str, str | None, Decimal | None]] = set()
    for row in _walk(metadata, prefix):
        if row not in seen:
            seen.add(row)
            yield row


def _walk(value: Any, path: str) -> Iterator[tuple[str, str | None, Decimal | None]]:
    if isinstance(value, dict):
        for key, entry in value.items():
            yield from _walk(entry, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for entry in value:
            yield from _walk(entry, path)
    elif len(path) <= MAX_KEY:
        yield (path, *scalar_of(value))
