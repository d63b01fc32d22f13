"""Verification of webhooks (standardwebhooks.com)."""

import base64
import binascii
import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from typing import Any

TOLERANCE_SECONDS = 300.0
_PREFIX = "whsec_"


class InvalidSignature(Exception):
    """The request was not signed with the secret, or too long ago."""


def verify_webhook(
    body: bytes | str,
    headers: Mapping[str, str],
    secret: str,
    *,
    tolerance: float = TOLERANCE_SECONDS,
    now: float | None = None,
) -> Any:
    """Return the event in a webhook, once its signature is verified.

    Args:
        body: as received, before any parsing.
        headers: with `webhook-id`, `webhook-timestamp` and `webhook-signature`, in any case.
        secret: `whsec_…`.
        tolerance: age, and lead of the sender's clock, in seconds.
        now: Unix time; default: the clock's.

    Raises:
        InvalidSignature: do not act on the request.
    """
    given = {name.lower(): value for name, value in headers.items()}
    try:
        identifier, stamp, signatures = (
            given[f"webhook-{name}"] for name in ("id", "timestamp", "signature")
        )
        sent = int(stamp)
        key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except KeyError as error:
        raise InvalidSignature(f"The header {error} is missing.") from None
    except (ValueError, binascii.Error):
        raise InvalidSignature("The timestamp or the secret is malformed.") from None
    if abs((time.time() if now is None else now) - sent) > tolerance:
        raise InvalidSignature("The timestamp is too old or in the future.")
    raw = body.encode() if isinstance(body, str) else body
    digest = hmac.new(key, f"{identifier}.{stamp}.".encode() + raw, hashlib.sha256).digest()
    expected = base64.b64encode(digest)
    found = [each.partition(",") for each in signatures.split()]
    if not any(
        version == "v1" and hmac.compare_digest(expected, value.encode()) for version, _, value in found
    ):
        raise InvalidSignature("No signature matches.")
    return json.loads(raw)
