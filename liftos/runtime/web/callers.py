"""Assignment of requests to lanes by their headers, before authentication.

A credential has its own lane until a request with it has been answered; from then on it shares its organisation's. This
affects only the order of service: an invalid secret is just another credential with its own lane.
"""

import math
from hashlib import blake2b

from liftos.kernel.caching.lru import LruTtlCache
from liftos.runtime.web.environ import Scope

MOST = 10_000
_NAMES = (b"authorization", b"x-api-key", b"x-org-id", b"cookie")


class Callers:
    """Maps credentials to organisations; bounded, for one event loop."""

    def __init__(self) -> None:
        """Create an empty map."""
        self._organisations: LruTtlCache[bytes, str] = LruTtlCache(MOST, math.inf)

    def credential_of(self, scope: Scope) -> bytes:
        """Return a digest of a request's credentials, or of its address without any."""
        digest = blake2b(digest_size=16)
        found = False
        for name, value in scope["headers"]:
            if name in _NAMES:
                found = True
                digest.update(name + b"\x00" + value + b"\x00")
        if not found:
            digest.update(str((scope.get("client") or ("",))[0]).encode())
        return digest.digest()

    def lane_of(self, credential: bytes) -> str:
        """Return the name of a credential's lane."""
        return self._organisations.get(credential) or credential.hex()

    def learn(self, credential: bytes, organisation: str) -> None:
        """Store a credential's organisation."""
        if self._organisations.get(credential) != organisation:
            self._organisations.put(credential, organisation)
