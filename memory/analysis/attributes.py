"""From metadata to filterable scalars. Pure.

A nested key is its dotted path; a list gives one row for each of its scalars, so that equality on a list means "holds".
Texts carry a type mark, so that the text "true" is not the boolean; a long text is indexed by its hash, and by its beginning for its
order. An object or a list gives a row that says only that its key is there. A path has at most 200 characters: no memory with a longer one is taken, and one of an
earlier version is left out.
"""

import hashlib
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

# a B-tree entry holds at most 2,704 bytes: key and text together must stay below it at 4 bytes a character
LONG = 200
MAX_KEY = 200
# of an object or a list: no scalar has this mark
_CONTAINER = "o"

Scalar = tuple[str | None, Decimal | None]


def text_mark(value: str | bool | None) -> str:
    """Return the form in which a text, a boolean or null is looked up; texts of up to 200 characters keep their order."""
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


def attributes_of(metadata: dict[str, Any]) -> Iterator[tuple[str, str | None, Decimal | None]]:
    """Yield (key, text, number) for every scalar in the metadata, each once for each key and value."""
    seen: set[tuple[str, str | None, Decimal | None]] = set()
    for path, value in _walk(metadata, None):
        if isinstance(value, dict | list) or len(path) > MAX_KEY:
            continue
        row = (path, *scalar_of(value))
        if row not in seen:
            seen.add(row)
            yield row


def markers_of(metadata: dict[str, Any]) -> Iterator[tuple[str, str, None]]:
    """Yield (key, mark, None), each once, for what the scalars alone don't say.

    That a key holds an object or a list; and where a long text stands in the order of texts: by its beginning, which is longer than
    any text that is indexed whole, and so equal to none.
    """
    yield from dict.fromkeys(
        (path, mark, None)
        for path, value in _walk(metadata, None)
        if len(path) <= MAX_KEY and (mark := _marker(value)) is not None
    )


def _marker(value: Any) -> str | None:
    if isinstance(value, dict | list):
        return _CONTAINER
    return f"s{value[: LONG + 1]}" if isinstance(value, str) and len(value) > LONG else None


def too_long_key(metadata: dict[str, Any]) -> str | None:
    """Return the first key, with what it is nested in, of more than 200 characters; None if there is none."""
    return next((path for path, _ in _walk(metadata, None) if len(path) > MAX_KEY), None)


def _walk(value: Any, path: str | None) -> Iterator[tuple[str, Any]]:
    """Yield every value with its path: objects and lists before what they hold, and an element of a list under the list's path."""
    if path is not None:
        yield path, value
    if isinstance(value, dict):
        for key, entry in value.items():
            yield from _walk(entry, key if path is None else f"{path}.{key}")
    elif isinstance(value, list) and path is not None:
        for entry in value:
            yield from _walk(entry, path)
