"""Cache keys of function results."""

import hmac
import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any
from uuid import UUID

# json.dumps would create one for each call
_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


class UnkeyableArguments(TypeError):
    """The arguments are not JSON, so they can't be compared."""


def canonical(arguments: Mapping[str, Any]) -> bytes:
    """Return bytes that are equal if and only if the arguments are, by value and type: 1, 1.0, "1" and true all differ.

    Raises:
        UnkeyableArguments: the arguments are not JSON.
    """
    try:
        text = _ENCODER.encode(arguments)
    except (TypeError, ValueError, RecursionError) as error:
        raise UnkeyableArguments(str(error)) from error
    # surrogatepass: text with lone surrogates needs a key too
    return text.encode("utf-8", "surrogatepass")


def key_of(
    secret: bytes,
    *,
    organisation: UUID,
    function: str,
    version: int,
    arguments: Mapping[str, Any],
    generation: str,
    viewer: Sequence[str] = (),
) -> bytes:
    """Return HMAC-SHA256(secret, organisation, function, version, generation, viewer, arguments), 32 bytes.

    It reveals none of them, differs by organisation and by what of it the viewer sees (`Viewer.settings`), and is equal in every process with the secret. Fields are separated by
    NUL, which no field contains: in the arguments, JSON escapes it.

    Raises:
        UnkeyableArguments: see `canonical`.
    """
    seen = "\x00".join(viewer)
    head = f"{_text_of(organisation)}\x00{function}\x00{version}\x00{generation}\x00{seen}\x00".encode()
    return hmac.digest(secret, head + canonical(arguments), "sha256")


@lru_cache(maxsize=4_096)  # str(UUID) costs 1.5 us
def _text_of(organisation: UUID) -> str:
    return str(organisation)
