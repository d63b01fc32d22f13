"""The cache of function results."""

import hmac
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol
from uuid import UUID

from pydantic_core import from_json, to_json

from liftos.kernel.caching.change_tokens.queries import Generation, get_generation
from liftos.kernel.caching.lru import LruTtlCache
from liftos.kernel.caching.results.keys import key_of
from liftos.kernel.caching.results.shared import NullResults, SharedResults
from liftos.kernel.caching.single_flight import SingleFlight
from liftos.kernel.db.viewers import current_viewer

MAX_ENTRY_BYTES = 256 * 1024
MAC_BYTES = 32
FOLLOW_TIMEOUT_S = 30.0
"""Callers wait this long for another's computation before they compute themselves."""


class CacheableFunction(Protocol):
    """The part of `liftos.kernel.functions.Function` that the cache uses."""

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def version(self) -> int: ...  # noqa: D102
    @property
    def cacheable(self) -> bool: ...  # noqa: D102
    @property
    def reads(self) -> Sequence[str]: ...  # noqa: D102


class GetGeneration(Protocol):
    """See `get_generation`."""

    def __call__(self, *, organisation: UUID, things: Sequence[str]) -> Generation:
        """Return the generation visible to the open transaction."""


class FunctionCache:
    """Results by organisation, what of it the caller may see, function, version, arguments, and generation of the data it reads.

    The generation is read from Postgres at every call, in the caller's transaction: a write to data that a function reads
    invalidates its cached results at the moment it becomes visible, in every process, even if the writer crashes right
    after. Results computed by a transaction that has itself written such data are not cached.

    Eviction is by least recent use, limited by count and bytes. A call is a *hit* if answered without computing: from this
    process, from the shared cache, or by another call's computation; otherwise (also if computing fails) a *miss*. Calls of
    uncacheable functions are neither. Thread-safe.
    """

    def __init__(
        self,
        size: int = 10_000,
        ttl: float = 3600,
        shared: SharedResults | None = None,
        clock: Callable[[], float] = time.monotonic,
        *,
        secret: bytes,
        max_bytes: int = 64 * 1024 * 1024,
        generation: GetGeneration = get_generation,
    ) -> None:
        """Create an empty cache.

        Args:
            size: maximum number of entries in this process, at least 0.
            ttl: lifetime in seconds; restarts when an entry is read from the shared cache.
            shared: cache shared by all processes, or None.
            clock: monotonic, seconds.
            secret: for keys and seals; the same in all processes that share results.
            max_bytes: maximum total size of entries in this process.
            generation: returns the generation of data.

        Raises:
            ValueError: a negative size or a lifetime that is not positive.
        """
        self._entries: LruTtlCache[bytes, bytes] = LruTtlCache(
            size, ttl, clock, weigh=len, max_weight=max_bytes
        )
        self._shared: SharedResults = shared or NullResults()
        self._secret = secret
        self._generation = generation
        self._flights: SingleFlight[bytes, bytes] = SingleFlight()
        self._lock = threading.Lock()
        self._hits = self._misses = self._uncached = self._shared_hits = self._coalesced = 0

    def call(
        self,
        function: CacheableFunction,
        organisation: UUID,
        arguments: Mapping[str, Any],
        compute: Callable[[], Any],
    ) -> tuple[Any, bool]:
        """Return a function's result, cached or computed.

        Args:
            function: computed each time unless `cacheable`.
            organisation: a tenant.
            arguments: JSON.
            compute: executes the function, returns a JSON value (UUIDs and times become strings).

        Returns:
            The result (the caller's own copy), and whether it was cached.

        Raises:
            UnkeyableArguments: the arguments are not JSON.
            Exception: raised by `compute`; nothing is cached then.
        """
        if not function.cacheable:
            return compute(), False
        state = self._generation(organisation=organisation, things=function.reads)
        if state.is_own:
            self._count(uncached=1, misses=1)
            return from_json(to_json(compute())), False
        key = key_of(
            self._secret,
            organisation=organisation,
            function=function.name,
            version=function.version,
            arguments=arguments,
            generation=state.name,
            viewer=current_viewer().settings(),
        )
        found = self._entries.get(key)
        if found is not None:
            with self._lock:
                self._hits += 1
            return from_json(found), True
        return self._fetch(key, organisation, compute)

    def _fetch(self, key: bytes, organisation: UUID, compute: Callable[[], Any]) -> tuple[Any, bool]:
        flight, others, found = self._flights.claim([key], self._entries.get)
        if key in found:
            self._count(hits=1)
            return from_json(found[key]), True
        if key in others:
            value = others[key].wait(key, FOLLOW_TIMEOUT_S)
            if value is not None:
                self._count(hits=1, coalesced=1)
                return from_json(value), True
            # it failed there, but may succeed here with another deadline
            self._count(misses=1)
            return from_json(to_json(compute())), False
        value = None
        try:
            value = self._open(key, self._shared.get(key))
            if value is not None:
                self._entries.put(key, value)
                self._count(hits=1, shared_hits=1)
                return from_json(value), True
            self._count(misses=1)
            value = to_json(compute())
            if len(value) <= MAX_ENTRY_BYTES:
                self._entries.put(key, value)
                self._shared.put(organisation, key, self._seal(key, value))
            return from_json(value), False
        finally:
            # land after storing, so that concurrent callers find either the flight or the entry
            self._flights.land(flight, {} if value is None else {key: value})

    def _seal(self, key: bytes, value: bytes) -> bytes:
        """Return a result prefixed with HMAC-SHA256(secret, key, result), so that other writers to Redis can't forge one."""
        return hmac.digest(self._secret, key + value, "sha256") + value

    def _open(self, key: bytes, sealed: bytes | None) -> bytes | None:
        """Return a result sealed by this installation under this key; anything else is a miss."""
        if sealed is None:
            return None
        mac, value = sealed[:MAC_BYTES], sealed[MAC_BYTES:]
        return value if hmac.compare_digest(mac, hmac.digest(self._secret, key + value, "sha256")) else None

    def forget(self, organisation: UUID) -> bool:
        """Remove an organisation's results, which may quote erased content; return whether the shared cache confirmed it.

        In this process everything is removed, because keys do not reveal their organisation. Other processes keep their
        entries, unreachable under the new generation, until they expire.
        """
        self._entries.clear()
        return self._shared.forget(organisation)

    def stats(self) -> dict[str, Any]:
        """Return the figures in the contract, for this process since its start."""
        with self._lock:
            hits, misses = self._hits, self._misses
        return {
            "cache_hits": hits,
            "cache_misses": misses,
            "cache_hit_rate": hits / (hits + misses) if hits + misses else 0.0,
            "cache_size": len(self._entries),
            "max_cache_size": self._entries.capacity,
        }

    def detailed_stats(self) -> dict[str, Any]:
        """Return `stats` with details."""
        with self._lock:
            more = {
                "shared_hits": self._shared_hits,
                "coalesced": self._coalesced,
                "uncached": self._uncached,
            }
        return (
            self.stats() | more | {"cache_bytes": self._entries.weight, "shared_errors": self._shared.errors}
        )

    def _count(
        self, *, hits: int = 0, misses: int = 0, uncached: int = 0, shared_hits: int = 0, coalesced: int = 0
    ) -> None:
        with self._lock:
            self._hits += hits
            self._misses += misses
            self._uncached += uncached
            self._shared_hits += shared_hits
            self._coalesced += coalesced
