"""The cache of results shared by processes and machines. Values are JSON bytes; nothing read from Redis is unpickled."""

import time
from typing import Any, Protocol
from uuid import UUID

from liftos.kernel.caching.redis import RedisCache

PREFIX = "liftos:function:"
PER_ORGANISATION = 1_000
"""Maximum number of results per organisation in the shared cache; the oldest are evicted."""


class SharedResults(Protocol):
    """A store of results that may lose entries at any time and never raises."""

    @property
    def errors(self) -> int:
        """Number of failed operations. Failed reads are misses, failed writes are lost."""

    def get(self, key: bytes) -> bytes | None:
        """Return a result, or None."""

    def put(self, organisation: UUID, key: bytes, value: bytes) -> None:
        """Store a result for the cache's lifetime."""

    def forget(self, organisation: UUID) -> bool:
        """Remove an organisation's results; return whether that is confirmed."""


class NullResults:
    """Stores nothing."""

    errors = 0

    def get(self, key: bytes) -> bytes | None:
        """Return None."""
        del key
        return None

    def put(self, organisation: UUID, key: bytes, value: bytes) -> None:
        """Do nothing."""

    def forget(self, organisation: UUID) -> bool:
        """Return True."""
        del organisation
        return True


class RedisResults(RedisCache):
    """Results in Redis. See `RedisCache`.

    A sorted set per organisation lists its keys by time of writing; it limits their number and is used to remove them when
    content is erased.
    """

    def __init__(self, alias: str, *, ttl: int, capacity: int = PER_ORGANISATION, **options: Any) -> None:
        """Create a cache. See `RedisCache` for the other arguments.

        Args:
            alias: see `RedisCache`.
            ttl: see `RedisCache`.
            capacity: maximum number of entries per organisation.
            options: see `RedisCache`.
        """
        super().__init__(alias, ttl=ttl, **options)
        self._capacity = capacity

    def get(self, key: bytes) -> bytes | None:
        """Return a result, or None, in one round trip."""
        return self._attempt(lambda client: client.get(_name(key.hex())))

    def put(self, organisation: UUID, key: bytes, value: bytes) -> None:
        """Store a result in one round trip, or two if others must be evicted."""

        def write(client: Any) -> bool:
            keys = _keys_of(organisation)
            # list the key before storing the result: a crash may leave an unused key but never an unlisted result
            pipeline = client.pipeline(transaction=False)
            pipeline.zadd(keys, {key.hex(): time.time()})
            pipeline.expire(keys, 2 * self._ttl)
            pipeline.set(_name(key.hex()), value, ex=self._ttl)
            pipeline.zcard(keys)
            surplus = pipeline.execute()[-1] - self._capacity
            if surplus > 0:
                client.unlink(*(_name(popped.decode()) for popped, _ in client.zpopmin(keys, surplus)))
            return True

        self._attempt(write)

    def forget(self, organisation: UUID) -> bool:
        """Remove an organisation's results; return False if Redis did not confirm."""

        def remove(client: Any) -> bool:
            keys = _keys_of(organisation)
            client.unlink(keys, *(_name(each.decode()) for each in client.zrange(keys, 0, -1)))
            return True

        return bool(self._attempt(remove))


def _name(key: str) -> str:
    return PREFIX + key


def _keys_of(organisation: UUID) -> str:
    return f"{PREFIX}of:{organisation}"
