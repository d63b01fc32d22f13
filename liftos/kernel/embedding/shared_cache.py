"""The embedding cache shared by processes and machines. Values are bytes; nothing read from it is unpickled."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from liftos.kernel.caching.lru import LruTtlCache
from liftos.kernel.caching.redis import RedisCache
from liftos.kernel.embedding.types import Vector

KEY_PREFIX = b"liftos:embedding:"
CHUNK = 500  # keys per round trip, 750 kB of vectors, so that other clients do not wait long


class SharedCache(Protocol):
    """A store of bytes under 32-byte keys that may lose entries at any time and never raises."""

    @property
    def errors(self) -> int:
        """Number of failed operations. Failed reads are misses, failed writes are lost."""

    def get_many(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """Return the value or None for each key, in order."""

    def set_many(self, entries: Mapping[bytes, bytes]) -> None:
        """Store entries for the cache's lifetime."""

    def delete_many(self, keys: Sequence[bytes]) -> bool:
        """Remove entries; return whether that is confirmed."""


def read_vectors(cache: SharedCache, keys: Sequence[bytes], dimension: int) -> dict[bytes, Vector]:
    """Return the vectors found in a cache, ignoring invalid values: Redis has other writers.

    Args:
        cache: to read.
        keys: distinct.
        dimension: of the vectors.
    """
    vectors = {}
    for key, value in zip(keys, cache.get_many(keys), strict=True):
        if value is not None and len(value) == 4 * dimension:
            vector = np.frombuffer(value, dtype="<f4").astype(np.float32)
            if np.isfinite(vector).all():
                vectors[key] = vector
    return vectors


def write_vectors(cache: SharedCache, vectors: Mapping[bytes, Vector]) -> None:
    """Store vectors as little-endian float32."""
    cache.set_many({key: vector.astype("<f4").tobytes() for key, vector in vectors.items()})


class NullSharedCache:
    """Stores nothing."""

    errors = 0

    def get_many(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """Return None for each key."""
        return [None] * len(keys)

    def set_many(self, entries: Mapping[bytes, bytes]) -> None:
        """Do nothing."""

    def delete_many(self, keys: Sequence[bytes]) -> bool:  # noqa: ARG002  the interface's name
        """Return True."""
        return True


class InMemorySharedCache:
    """An in-process substitute for Redis in tests."""

    errors = 0

    def __init__(self, *, ttl: float = 3600, clock: Callable[[], float] = time.monotonic) -> None:
        """Create an empty cache with a lifetime in seconds."""
        self._entries: LruTtlCache[bytes, bytes] = LruTtlCache(1_000_000, ttl, clock)

    def get_many(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """Return the value or None for each key, in order."""
        return self._entries.get_many(keys)

    def set_many(self, entries: Mapping[bytes, bytes]) -> None:
        """Store entries."""
        self._entries.put_many(entries)

    def delete_many(self, keys: Sequence[bytes]) -> bool:
        """Remove entries."""
        self._entries.drop_many(keys)
        return True


class RedisSharedCache(RedisCache):
    """Vectors in Redis, without django-redis's serialiser. See `RedisCache`."""

    def get_many(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """Return the value or None for each key, in order; all None while Redis is not used."""
        names = [KEY_PREFIX + key.hex().encode() for key in keys]

        def read(client: Any) -> list[bytes | None]:
            if len(names) == 1:
                return [client.get(names[0])]
            return [
                value
                for start in range(0, len(names), CHUNK)
                for value in client.mget(names[start : start + CHUNK])
            ]

        values = self._attempt(read) if names else []
        return [None] * len(keys) if values is None else values

    def set_many(self, entries: Mapping[bytes, bytes]) -> None:
        """Store entries, CHUNK of them per round trip."""
        items = [(KEY_PREFIX + key.hex().encode(), value) for key, value in entries.items()]

        def write(client: Any) -> bool:
            for start in range(0, len(items), CHUNK):
                # no MULTI: entries are independent
                pipeline = client.pipeline(transaction=False)
                for name, value in items[start : start + CHUNK]:
                    pipeline.set(name, value, ex=self._ttl)
                pipeline.execute()
            return True

        if items:
            self._attempt(write)

    def delete_many(self, keys: Sequence[bytes]) -> bool:
        """Remove entries; return False if Redis did not confirm, so that they may remain until they expire."""
        names = [KEY_PREFIX + key.hex().encode() for key in keys]
        return not names or self._attempt(lambda client: client.unlink(*names)) is not None
