"""The format of API keys: `liftos_<prefix>_<secret>`. The prefix identifies the row, the secret authenticates the caller."""

import hashlib
import hmac
import re
import secrets
from datetime import datetime, timedelta
from typing import NamedTuple

from django.utils import timezone

_FORM = re.compile(r"liftos_([a-z0-9]{12})_([A-Za-z0-9_-]{43})")


_SECRET = re.compile(r"(liftos_[a-z0-9]{12}_)[A-Za-z0-9_-]+")

# callers are warned this long before their key expires
WARNING = timedelta(days=14)


class KeyParts(NamedTuple):
    """The two parts of a key."""

    prefix: str
    secret: str

    @property
    def token(self) -> str:
        """The key as the caller sends it."""
        return f"liftos_{self.prefix}_{self.secret}"

    @property
    def secret_hash(self) -> bytes:
        """SHA-256 of the secret; with 256 random bits, no slow password hash is needed."""
        return hashlib.sha256(self.secret.encode()).digest()

    def matches(self, secret_hash: bytes) -> bool:
        """Compare with a stored hash in constant time."""
        return hmac.compare_digest(self.secret_hash, secret_hash)


def new_key() -> KeyParts:
    """Return a fresh random key."""
    return KeyParts(secrets.token_hex(6), secrets.token_urlsafe(32))


def parse_key(token: str) -> KeyParts | None:
    """Return a key's parts, or None if the text does not have a key's format."""
    found = _FORM.fullmatch(token)
    return KeyParts(found[1], found[2]) if found else None


def expires_soon(expires_at: datetime | None) -> bool:
    """Return whether a key expires within two weeks."""
    return expires_at is not None and expires_at - timezone.now() < WARNING


def without_secrets(text: str) -> str:
    """Return text with the secrets of API keys removed and their prefixes kept."""
    return _SECRET.sub(r"\1...", text)
