"""The key that signs checkpoints, kept outside the database: whoever can rewrite rows can't sign them."""

from functools import lru_cache
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings

from accountability.ledger.checkpoint import Verifier, make_vkey, verifier_of
from liftos.kernel.keyfiles import read_key


def origin_of(organisation: UUID) -> str:
    """Return the origin, that is the name, of an organisation's log."""
    return f"{settings.LIFTOS_LEDGER_ORIGIN}/{organisation}"


def signing_key() -> Ed25519PrivateKey:
    """Return the installation's signing key, created on first use (mode 0600)."""
    # any 32 random bytes are a private key (RFC 8032, 5.1.5)
    return _private(read_key(settings.LIFTOS_LEDGER_KEY_FILE))


def verifier() -> Verifier:
    """Return the verifier of the signing key."""
    return verifier_of(settings.LIFTOS_LEDGER_ORIGIN, signing_key())


def verifier_key() -> str:
    """Return the verifier key as text; outsiders must get it through another channel than the proofs."""
    return make_vkey(settings.LIFTOS_LEDGER_ORIGIN, verifier().public_key)


@lru_cache(maxsize=4)
def _private(seed: bytes) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(seed)
