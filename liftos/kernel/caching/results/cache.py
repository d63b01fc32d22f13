"""The cache of functions' results."""

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

MAX_ENTRY_BYTES = 256 * 1024
MAC_BYTES = 32
FOLLOW_TIMEOUT_S = 30.0
"""Whoever waits for another's computation begins one of its own after this long."""


class CacheableFunction(Protocol):
    """What is asked of a registered function here. See `liftos.kernel.functions.Function`."""

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
        """Return the state of things that the open transaction sees."""


class FunctionCache:
    """Results by organisation, function, version, arguments, and the state of what the function reads.

    That state is asked of Postgres at every call, in the caller's transaction: a write to what a function reads ends all
    that was cached under the state before, in the same instant in which it becomes visible, in every process, also if the
    writer dies right after. What a transaction computes after such a write of its own is not cached.

    The least recently used goes first, by count and by bytes. A call is a *hit* when it was answered without computing: from
    this process, from the shared cache, or by a computation under way for another call; otherwise, also when computing fails, a
    *miss*. Calls of functions that may not be cached are neither. Safe for threads.
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
        """Make an empty cache.

        Args:
            size: entries in this process, at least 0.
            ttl: seconds an entry lives; one from the shared cache begins a new life in this process.
            shared: of all processes; None for none.
            clock: seconds, never going back.
            secret: of the keys; the same in all processes that share results.
            max_bytes: of all entries in this process together.
            generation: asks for the state of things.

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
        """Return a function's result, computed or found.

        Args:
            function: with effects (`cacheable` is false) it is computed each time.
            organisation: whose.
            arguments: JSON.
            compute: carries the function out, returns a JSON value (UUIDs and times are made texts).

        Returns:
            The result, the caller's own copy, and whether it was found.

        Raises:
            UnkeyableArguments: the arguments are no JSON.
            Exception: whatever `compute` raises; nothing is cached then.
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
            # it failed, and what failed there may do here: arguments are the same, times and deadlines are not
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
            # stored before it ends, so that whoever comes in between finds the one or the other
            self._flights.land(flight, {} if value is None else {key: value})

    def _seal(self, key: bytes, value: bytes) -> bytes:
        """Return a result with HMAC-SHA256(secret, key, result) in front: who can write to Redis can't put a result there."""
        return hmac.digest(self._secret, key + value, "sha256") + value

    def _open(self, key: bytes, sealed: bytes | None) -> bytes | None:
        """Return a result that this installation sealed under this key; anything else is a miss."""
        if sealed is None:
            return None
        mac, value = sealed[:MAC_BYTES], sealed[MAC_BYTES:]
        return value if hmac.compare_digest(mac, hmac.digest(self._secret, key + value, "sha256")) else None

    def forget(self, organisation: UUID) -> bool:
        """Remove an organisation's results, for what they quote is erased; return whether the shared cache confirmed it.

        In this process everything is removed: keys don't tell whose they are. Other processes keep theirs, which no call
        can reach any more, until their lifetime ends.
        """
        self._entries.clear()
        return self._shared.forget(organisation)

    def stats(self) -> dict[str, Any]:
        """Return the contract's figures of the cache: this process's, since its start."""
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
        """Return `stats` and what they are made of."""
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
