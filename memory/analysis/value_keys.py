"""Values as an organisation's rejections know them: HMACs, which tell nobody what was rejected."""

import hmac
from collections.abc import Iterable
from uuid import UUID

from django.conf import settings

from liftos.kernel.keyfiles import read_key
from memory.analysis.values import cores, forms
from memory.analysis.windows import Hasher, Trace, traces

# writers of one value meet on one of so many locks an organisation: a bulk store holds at most these
LOCKS = 64


def value_keys(organisation: UUID, text: str) -> tuple[bytes, ...]:
    """Return the keys of a text's normal forms, 32 bytes each, without and with the marks round it; none for an empty value.

    The first is that of the folded form without marks.
    """
    return tuple(form_key(organisation, form) for form in dict.fromkeys((*cores(text), *forms(text))))


def traces_of(organisation: UUID, text: str) -> dict[bytes, Trace]:
    """Return by which of a value's keys it is looked for inside longer texts, with the traces that are kept for it."""
    found = traces(cores(text), hasher_of(organisation))
    return {form_key(organisation, form): each for form, each in found.items()}


def hasher_of(organisation: UUID) -> Hasher:
    """Return how words of an organisation's values and texts are hashed."""
    secret = _mac(organisation, b"words", "")
    return Hasher(secret[:16], int.from_bytes(secret[16:24], "big") | 1)


def form_key(organisation: UUID, form: str) -> bytes:
    """Return the key of one normal form, 32 bytes."""
    return _mac(organisation, b"value", form)


def folded_number(keys: tuple[bytes, ...]) -> int | None:
    """Return the first key as the 64-bit number by which a memory's row is found; None for an empty value."""
    return _number(keys[0]) if keys else None


def numbers(keys: tuple[bytes, ...]) -> list[int]:
    """Return the numbers of all of a value's keys: a row of an earlier version has that of its folded form with its marks."""
    return [_number(key) for key in keys]


def _number(key: bytes) -> int:
    return int.from_bytes(key[:8], "big", signed=True)


def origin_key(organisation: UUID, source: str, external_id: str) -> bytes:
    """Return the key of an origin's name for a memory, 32 bytes: what an erasure keeps of it."""
    return _mac(organisation, b"origin", f"{source}\x00{external_id}")


def locks_of(organisation: UUID, keys: Iterable[bytes]) -> list[int]:
    """Return the numbers of the advisory locks for keys, ascending, so that nobody waits in a circle."""
    base = int.from_bytes(organisation.bytes[-8:], "big", signed=True)
    return sorted({(base ^ 0x11F705 ^ (key[0] % LOCKS)) for key in keys})


def _mac(organisation: UUID, purpose: bytes, text: str) -> bytes:
    secret = read_key(settings.LIFTOS_VALUE_KEY_FILE)
    return hmac.digest(
        secret, organisation.bytes + purpose + b"\x00" + text.encode("utf-8", "surrogatepass"), "sha256"
    )
