"""Flatten metadata into filterable scalars. Pure.

Nested keys become dotted paths. A list yields one row per scalar, so equality on a list means "contains". Texts carry a type
prefix, which keeps the text "true" apart from the boolean. A text over 200 characters is indexed by its hash for equality and by
its prefix for order. An object or list yields a row that only marks its key as present. Paths over 200 characters are rejected
on write; those stored by an earlier version are not indexed.
"""

import hashlib
from collections.abc import Iterable, Iterator
from decimal import Decimal
from math import inf
from typing import Any

# a B-tree entry holds at most 2,704 bytes: key and text together must stay below it at 4 bytes a character
LONG = 200
MAX_KEY = 200
TAG_KEY = "$tag"
"""The key of a memory's tags in the index. A metadata key of this name has values with other type prefixes than `tag_mark`."""
# marks an object or a list; no scalar's type prefix is "o"
_CONTAINER = "o"

Scalar = tuple[str | None, Decimal | None]


def text_mark(value: str | bool | None) -> str:
    """Return the index form of a text, boolean or null; texts up to 200 characters keep their order."""
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


def number_key(number: Decimal) -> float:
    """Return the double that the index has for a number, as Postgres derives it (migration 0032): infinite beyond 1e300, 0 within 1e-300."""
    size = abs(number)
    if size < Decimal("1e-300"):
        return 0.0
    if size < Decimal("1e300"):
        return float(number)
    return inf if number > 0 else -inf


def attributes_of(metadata: dict[str, Any]) -> Iterator[tuple[str, str | None, Decimal | None]]:
    """Yield each distinct (key, text, number) of the metadata's scalars."""
    seen: set[tuple[str, str | None, Decimal | None]] = set()
    for path, value in _walk(metadata, None):
        if isinstance(value, dict | list) or len(path) > MAX_KEY:
            continue
        row = (path, *scalar_of(value))
        if row not in seen:
            seen.add(row)
            yield row


def markers_of(metadata: dict[str, Any]) -> Iterator[tuple[str, str, None]]:
    """Yield each distinct (key, mark, None) that the scalar rows lack: presence of an object or list, and order of a long text.

    A long text's mark is its first 201 characters: longer than any text indexed whole, so it never matches by equality.
    """
    yield from dict.fromkeys(
        (path, mark, None)
        for path, value in _walk(metadata, None)
        if len(path) <= MAX_KEY and (mark := _marker(value)) is not None
    )


def tag_mark(tag: str) -> str:
    """Return the index form of a tag; no scalar's type prefix is "t"."""
    return f"t{tag}"


def tags_of(tags: Iterable[str]) -> Iterator[tuple[str, str, None]]:
    """Yield a row for each distinct tag."""
    yield from ((TAG_KEY, tag_mark(tag), None) for tag in dict.fromkeys(tags))


def _marker(value: Any) -> str | None:
    if isinstance(value, dict | list):
        return _CONTAINER
    return f"s{value[: LONG + 1]}" if isinstance(value, str) and len(value) > LONG else None


def too_long_key(metadata: dict[str, Any]) -> str | None:
    """Return the first dotted key over 200 characters, or None."""
    return next((path for path, _ in _walk(metadata, None) if len(path) > MAX_KEY), None)


def _walk(value: Any, path: str | None) -> Iterator[tuple[str, Any]]:
    """Yield (path, value) depth-first, containers before their contents; list elements have the list's path."""
    if path is not None:
        yield path, value
    if isinstance(value, dict):
        for key, entry in value.items():
            yield from _walk(entry, key if path is None else f"{path}.{key}")
    elif isinstance(value, list) and path is not None:
        for entry in value:
            yield from _walk(entry, path)
