"""The key that signs checkpoints. It is kept outside of the database: who can rewrite rows can't sign them."""

from functools import lru_cache
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings

from accountability.ledger.checkpoint import Verifier, make_vkey, verifier_of
from liftos.kernel.keyfiles import read_key


def origin_of(organisation: UUID) -> str:
    """Return the name of an organisation's log."""
    return f"{settings.LIFTOS_LEDGER_ORIGIN}/{organisation}"


def signing_key() -> Ed25519PrivateKey:
    """Return the installation's signing key, made on first use (mode 0600)."""
    # any 32 random bytes are a private key (RFC 8032, 5.1.5)
    return _private(read_key(settings.LIFTOS_LEDGER_KEY_FILE))


def verifier() -> Verifier:
    """Return the public half, as checkpoints are verified with."""
    return verifier_of(settings.LIFTOS_LEDGER_ORIGIN, signing_key())


def verifier_key() -> str:
    """Return the public half as text, to be handed to outsiders by another way than the proofs."""
    return make_vkey(settings.LIFTOS_LEDGER_ORIGIN, verifier().public_key)


@lru_cache(maxsize=4)
def _private(seed: bytes) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(seed)
