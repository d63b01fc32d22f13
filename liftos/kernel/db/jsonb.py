"""Text that Postgres can store as text and jsonb: any Unicode without NUL and lone surrogates."""

import json
import re
from typing import Any

# an escaped NUL in JSON text, preceded by an even number of backslashes
_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")


class NotStorable(ValueError):
    """Postgres can't store the value."""


def to_jsonb(value: Any) -> str:
    """Return a value as JSON text for a jsonb column.

    Args:
        value: None, bool, int, float, str, and lists, tuples and dicts of these.

    Raises:
        TypeError, ValueError: the value is not JSON.
        NotStorable: a text or key contains NUL or a lone surrogate.
    """
    text = json.dumps(value, allow_nan=False, ensure_ascii=False)
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise NotStorable("the text contains a lone surrogate (U+D800 to U+DFFF)") from error
    # the literal characters \u0000 are allowed; JSON writes them with two backslashes
    if "\\u0000" in text and _NUL.search(text):
        raise NotStorable("the text contains a NUL character (U+0000)")
    return text


def storable(text: str) -> str:
    """Return a text without NUL and with lone surrogates replaced by "?"."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode()
