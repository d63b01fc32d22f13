"""Keyed hashes of values: a rejection stores these instead of the rejected text."""

import hmac
from collections.abc import Iterable
from uuid import UUID

from django.conf import settings

from liftos.kernel.keyfiles import read_key
from memory.analysis.values import normal_forms, unmarked_forms
from memory.analysis.windows import Hasher, Trace, traces

# advisory locks per organisation; caps how many a bulk store holds
LOCKS = 64


def value_keys(organisation: UUID, text: str) -> tuple[bytes, ...]:
    """Return the 32-byte keys of a text's normal forms, first without and then with surrounding marks; () for a blank text.

    The first is the key of the folded form without marks.
    """
    return tuple(
        form_key(organisation, form) for form in dict.fromkeys((*unmarked_forms(text), *normal_forms(text)))
    )


def traces_of(organisation: UUID, text: str) -> dict[bytes, Trace]:
    """Return the keys by which a value is searched for inside longer texts, each with its trace."""
    found = traces(unmarked_forms(text), hasher_of(organisation))
    return {form_key(organisation, form): each for form, each in found.items()}


def hasher_of(organisation: UUID) -> Hasher:
    """Return an organisation's word hasher."""
    secret = _mac(organisation, b"words", "")
    return Hasher(secret[:16], int.from_bytes(secret[16:24], "big") | 1)


def form_key(organisation: UUID, form: str) -> bytes:
    """Return the key of one normal form, 32 bytes."""
    return _mac(organisation, b"value", form)


def folded_number(keys: tuple[bytes, ...]) -> int | None:
    """Return the first key as the signed 64-bit number stored in a memory's row; None for a blank value."""
    return _number(keys[0]) if keys else None


def numbers(keys: tuple[bytes, ...]) -> list[int]:
    """Return all of a value's keys as signed 64-bit numbers; rows of earlier versions store that of the form with marks."""
    return [_number(key) for key in keys]


def _number(key: bytes) -> int:
    return int.from_bytes(key[:8], "big", signed=True)


def origin_key(organisation: UUID, source: str, external_id: str) -> bytes:
    """Return the 32-byte key of an external id, which is all that an erasure keeps of it."""
    return _mac(organisation, b"origin", f"{source}\x00{external_id}")


def locks_of(organisation: UUID, keys: Iterable[bytes]) -> list[int]:
    """Return the advisory lock numbers for keys, ascending to prevent deadlocks."""
    base = int.from_bytes(organisation.bytes[-8:], "big", signed=True)
    return sorted({(base ^ 0x11F705 ^ (key[0] % LOCKS)) for key in keys})


def _mac(organisation: UUID, purpose: bytes, text: str) -> bytes:
    secret = read_key(settings.LIFTOS_VALUE_KEY_FILE)
    return hmac.digest(
        secret, organisation.bytes + purpose + b"\x00" + text.encode("utf-8", "surrogatepass"), "sha256"
    )
