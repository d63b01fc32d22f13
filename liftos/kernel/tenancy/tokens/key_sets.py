"""The issuers' public keys, fetched from the address in their discovery document and kept in this process.

A key set is fetched again after KEEP_SECONDS, or for an unknown key id, but at most every REFETCH_SECONDS: unknown ids are
free to invent. If the issuer does not answer, known keys count for STALE_SECONDS more. No URL is taken from a token.
"""

import json
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from liftos.kernel.errors import Unavailable
from liftos.kernel.http.client import NoAnswer, get
from liftos.kernel.tenancy.tokens.issuers import Issuer, secure_url

KEEP_SECONDS = 300.0
REFETCH_SECONDS = 10.0
STALE_SECONDS = 3600.0
MAX_BYTES = 256 * 1024
MAX_KEYS = 100
TIMEOUT = 5.0


class IssuerUnavailable(Unavailable):
    """The issuer of the token does not answer; try again."""

    code = "tenancy.issuer_unavailable"


@dataclass(slots=True)
class _Kept:
    lock: threading.Lock = field(default_factory=threading.Lock)
    keys: list[dict[str, Any]] | None = None
    tried_at: float = float("-inf")
    fetched_at: float = float("-inf")


class KeySets:
    """Key sets by issuer. Thread-safe."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        """Create an empty store."""
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: dict[tuple[str, str | None], _Kept] = {}

    def keys(self, issuer: Issuer, kid: str | None) -> list[dict[str, Any]]:
        """Return an issuer's keys with an id, or all without one.

        Raises:
            IssuerUnavailable: none are known and the issuer does not answer.
        """
        with self._lock:
            kept = self._kept.setdefault((issuer.issuer, issuer.jwks_uri), _Kept())
        found = _with_id(kept.keys, kid)
        if found and self._clock() - kept.fetched_at < KEEP_SECONDS:
            return found
        with kept.lock:
            now = self._clock()
            aged = now - kept.fetched_at >= KEEP_SECONDS
            if (aged or not _with_id(kept.keys, kid)) and now - kept.tried_at >= REFETCH_SECONDS:
                kept.tried_at = now
                self._fetch(issuer, kept)
            if kept.keys is None or self._clock() - kept.fetched_at > KEEP_SECONDS + STALE_SECONDS:
                raise IssuerUnavailable
            return _with_id(kept.keys, kid)

    def _fetch(self, issuer: Issuer, kept: _Kept) -> None:
        try:
            keys = fetch_json(issuer.jwks_uri or discover(issuer)["jwks_uri"]).get("keys")
        except (IssuerUnavailable, KeyError):
            return
        if isinstance(keys, list):
            kept.keys = [each for each in keys[:MAX_KEYS] if isinstance(each, dict)]
            kept.fetched_at = self._clock()


def _with_id(keys: list[dict[str, Any]] | None, kid: str | None) -> list[dict[str, Any]]:
    return [each for each in keys or [] if kid is None or each.get("kid") == kid]


def discover(issuer: Issuer) -> dict[str, Any]:
    """Return an issuer's discovery document (OpenID Connect Discovery 1.0, section 4).

    Raises:
        IssuerUnavailable: no answer, or it is another issuer's.
    """
    found = fetch_json(f"{issuer.issuer.rstrip('/')}/.well-known/openid-configuration")
    if found.get("issuer") != issuer.issuer:
        raise IssuerUnavailable
    return found


def fetch_json(url: Any) -> dict[str, Any]:
    """Return the JSON object at an issuer's URL, at most MAX_BYTES long; redirects are not followed.

    Raises:
        IssuerUnavailable: no such answer, or an insecure URL.
    """
    try:
        answer = get(
            secure_url(str(url)), headers={"Accept": "application/json"}, timeout=TIMEOUT, max_bytes=MAX_BYTES
        )
        found = json.loads(answer.body) if answer.is_success else None
    except (NoAnswer, ValueError, RecursionError):
        raise IssuerUnavailable from None
    if not isinstance(found, dict):
        raise IssuerUnavailable
    return found


_known = KeySets()


def keys_of(issuer: Issuer, kid: str | None) -> list[dict[str, Any]]:
    """Return an issuer's keys. See `KeySets.keys`."""
    return _known.keys(issuer, kid)


def forget_key_sets() -> None:
    """Forget all keys of this process."""
    global _known
    _known = KeySets()


# a lock may have been held by a thread that does not exist in the child
os.register_at_fork(after_in_child=forget_key_sets)
