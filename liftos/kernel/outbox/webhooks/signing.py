"""Secrets and signatures of webhooks.

A secret is derived from the installation's value key (LIFTOS_VALUE_KEY_FILE) and a random salt in the webhook's row, so that the database
and its backups hold no secret, and rotating means drawing another salt.
Source: Standard Webhooks 1.0, "Webhook headers (sending metadata to consumers)" and "Signature scheme".
"""

import base64
import hmac
import secrets
from collections.abc import Iterable
from uuid import UUID

from django.conf import settings

from liftos.kernel.keyfiles import read_key

PREFIX = "whsec_"


def new_salt() -> str:
    """Return 128 random bits as 32 hex digits."""
    return secrets.token_hex(16)


def secret_of(organisation: UUID, webhook: UUID, salt: str) -> str:
    """Return a webhook's secret: `whsec_` and 32 bytes in base64."""
    return PREFIX + base64.b64encode(_key(organisation, webhook, salt)).decode()


def signature(key: bytes, *, message: str, timestamp: int, body: bytes) -> str:
    """Return the symmetric signature of a message, `v1,` and an HMAC-SHA256 in base64."""
    digest = hmac.digest(key, f"{message}.{timestamp}.".encode() + body, "sha256")
    return f"v1,{base64.b64encode(digest).decode()}"


def headers(
    organisation: UUID, webhook: UUID, salts: Iterable[str], *, message: str, timestamp: int, body: bytes
) -> dict[str, str]:
    """Return the headers of a message; with several salts it is signed by each of their secrets.

    Args:
        organisation: the tenant.
        webhook: its id.
        salts: of the secrets that are valid.
        message: its id, the same in every attempt.
        timestamp: of the attempt, seconds since 1970.
        body: as sent.
    """
    keys = [_key(organisation, webhook, salt) for salt in salts]
    signed = [signature(key, message=message, timestamp=timestamp, body=body) for key in keys]
    return {
        "webhook-id": message,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(signed),
    }


def _key(organisation: UUID, webhook: UUID, salt: str) -> bytes:
    named = b"\x00".join((b"webhook", organisation.bytes, webhook.bytes, salt.encode()))
    return hmac.digest(read_key(settings.LIFTOS_VALUE_KEY_FILE), named, "sha256")
