"""Whose requests share a lane: known from headers alone, before anybody is authenticated.

A credential is a caller of its own until a request with it has been answered; from then on it counts as its organisation. This decides the order of
service and nothing else: a wrong secret is another credential, with a lane of its own.
"""

import math
from hashlib import blake2b

from liftos.kernel.caching.lru import LruTtlCache
from liftos.runtime.web.environ import Scope

MOST = 10_000
_NAMES = (b"authorization", b"x-api-key", b"x-org-id", b"cookie")


class Callers:
    """Remembers which organisation a credential turned out to be of; bounded, for one event loop."""

    def __init__(self) -> None:
        """Know nobody."""
        self._organisations: LruTtlCache[bytes, str] = LruTtlCache(MOST, math.inf)

    def credential_of(self, scope: Scope) -> bytes:
        """Return a digest of what a request is sent with; of its address when it has no credential."""
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
        """Return the name of the lane."""
        return self._organisations.get(credential) or credential.hex()

    def learn(self, credential: bytes, organisation: str) -> None:
        """Remember whose a credential is."""
        if self._organisations.get(credential) != organisation:
            self._organisations.put(credential, organisation)
