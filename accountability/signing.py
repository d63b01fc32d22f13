"""The key that signs checkpoints. It is kept outside of the database: who can rewrite rows can't sign them."""

import os
from functools import lru_cache
from pathlib import Path
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings

from accountability.checkpoint import Verifier, make_vkey, verifier_of

KEY_BYTES = 32


def origin_of(organisation: UUID) -> str:
    """Return the name of an organisation's log."""
    return f"{settings.LIFTOS_LEDGER_ORIGIN}/{organisation}"


def signing_key() -> Ed25519PrivateKey:
    """Return the installation's signing key, made on first use (mode 0600)."""
    return _read(Path(settings.LIFTOS_LEDGER_KEY_FILE))


def verifier() -> Verifier:
    """Return the public half, as checkpoints are verified with."""
    return verifier_of(settings.LIFTOS_LEDGER_ORIGIN, signing_key())


def verifier_key() -> str:
    """Return the public half as text, to be handed to outsiders by another way than the proofs."""
    return make_vkey(settings.LIFTOS_LEDGER_ORIGIN, verifier().public_key)


@lru_cache(maxsize=4)
def _read(path: Path) -> Ed25519PrivateKey:
    if not path.exists():
        _make(path)
    return Ed25519PrivateKey.from_private_bytes(path.read_bytes())


def _make(path: Path) -> None:
    # written aside and linked into place: of several processes that start at once, one's key is everybody's
    aside = path.with_name(f"{path.name}.{os.getpid()}")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(Ed25519PrivateKey.generate().private_bytes_raw())
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(aside, path)
        except FileExistsError:
            return
    finally:
        aside.unlink()
