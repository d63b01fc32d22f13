"""What Postgres keeps as text and as jsonb: any Unicode text without NUL and without half of a surrogate pair."""

import json
import re
from typing import Any

# an escaped NUL in JSON text: before it stands no backslash that would itself be escaped
_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")


class NotStorable(ValueError):
    """The value holds what Postgres can't keep."""


def to_jsonb(value: Any) -> str:
    """Return a value as JSON text for a jsonb column.

    Args:
        value: None, bool, int, float, str, and lists, tuples and dicts of these.

    Raises:
        TypeError, ValueError: the value is not JSON.
        NotStorable: it holds a NUL character or half of a surrogate pair, in a text or a key.
    """
    text = json.dumps(value, allow_nan=False, ensure_ascii=False)
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise NotStorable("a text holds half of a surrogate pair (U+D800 to U+DFFF)") from error
    # a text may well say \u0000 in six characters, which JSON writes with two backslashes
    if "\\u0000" in text and _NUL.search(text):
        raise NotStorable("a text holds a NUL character (U+0000)")
    return text


def storable(text: str) -> str:
    """Return a text as Postgres can keep it: without NUL, half of a surrogate pair as "?"."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode()
