"""Under which key a function's result is cached."""

import hmac
import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from uuid import UUID

# made once: json.dumps would make one for each call
_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


class UnkeyableArguments(TypeError):
    """The arguments are no JSON, so nothing says which of them are the same."""


def canonical(arguments: Mapping[str, Any]) -> bytes:
    """Return arguments as bytes that are equal exactly where they are, by value and type: 1, 1.0, "1" and true all differ.

    Raises:
        UnkeyableArguments: they contain what is no JSON.
    """
    try:
        text = _ENCODER.encode(arguments)
    except (TypeError, ValueError, RecursionError) as error:
        raise UnkeyableArguments(str(error)) from error
    # surrogatepass: a text that no encoding allows has a key of its own all the same
    return text.encode("utf-8", "surrogatepass")


def key_of(
    secret: bytes,
    *,
    organisation: UUID,
    function: str,
    version: int,
    arguments: Mapping[str, Any],
    generation: str,
) -> bytes:
    """Return HMAC-SHA256(secret, organisation, function, version, generation, arguments), 32 bytes.

    It contains none of them, differs for each organisation, and is equal in every process that has the secret. Fields are
    parted by NUL, which none but the arguments (the last) can contain: JSON writes it as an escape.

    Raises:
        UnkeyableArguments: see `canonical`.
    """
    head = f"{_text_of(organisation)}\x00{function}\x00{version}\x00{generation}\x00".encode()
    return hmac.digest(secret, head + canonical(arguments), "sha256")


@lru_cache(maxsize=4_096)  # str(UUID) costs 1.5 us
def _text_of(organisation: UUID) -> str:
    return str(organisation)
