"""Results that processes and machines share. Values are bytes of JSON: nothing read from Redis is ever unpickled."""

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Protocol
from uuid import UUID

from liftos.kernel.caching.redis import RedisCache

PREFIX = "liftos:function:"
PER_ORGANISATION = 1_000
"""Results of one organisation in the shared cache; of more, those written first go first."""


class SharedResults(Protocol):
    """A store of results that may forget at any time and never raises."""

    @property
    def errors(self) -> int:
        """Operations that failed since the start. A read that fails is a miss, a write that fails is lost."""

    def get(self, key: bytes) -> bytes | None:
        """Return a result."""

    def put(self, organisation: UUID, key: bytes, value: bytes) -> None:
        """Store a result for the cache's lifetime."""

    def forget(self, organisation: UUID) -> bool:
        """Remove an organisation's results; return whether it is certain that they are gone."""


class NullResults:
    """Keeps nothing."""

    errors = 0

    def get(self, key: bytes) -> bytes | None:
        """Return a miss."""
        del key
        return None

    def put(self, organisation: UUID, key: bytes, value: bytes) -> None:
        """Do nothing."""

    def forget(self, organisation: UUID) -> bool:
        """Return True: there is nothing to remove."""
        del organisation
        return True


class InMemoryResults:
    """Stands for Redis in tests, within one process."""

    errors = 0

    def __init__(
        self,
        *,
        ttl: float = 3600,
        capacity: int = PER_ORGANISATION,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Make an empty store."""
        self._ttl, self._capacity, self._clock = ttl, capacity, clock
        self._by_organisation: dict[UUID, OrderedDict[bytes, tuple[bytes, float]]] = {}

    def get(self, key: bytes) -> bytes | None:
        """Return a result."""
        for entries in self._by_organisation.values():
            if key in entries and self._clock() < entries[key][1]:
                return entries[key][0]
        return None

    def put(self, organisation: UUID, key: bytes, value: bytes) -> None:
        """Store a result."""
        entries = self._by_organisation.setdefault(organisation, OrderedDict())
        entries[key] = value, self._clock() + self._ttl
        entries.move_to_end(key)
        while len(entries) > self._capacity:
            entries.popitem(last=False)

    def forget(self, organisation: UUID) -> bool:
        """Remove an organisation's results."""
        self._by_organisation.pop(organisation, None)
        return True


class RedisResults(RedisCache):
    """Redis through a django-redis cache alias, left alone for a while after an error.

    Beside the results stands for each organisation a sorted set of its keys, by time of writing: it bounds how many there
    are and knows what to remove when something is erased.
    """

    def __init__(self, alias: str, *, ttl: int, capacity: int = PER_ORGANISATION, **options: Any) -> None:
        """Name the cache; nothing is connected before the first use.

        Args:
            alias: of settings.CACHES, a django-redis backend.
            ttl: seconds an entry lives, at least 1.
            capacity: entries of one organisation.
            options: see `RedisCache`.
        """
        super().__init__(alias, ttl=ttl, **options)
        self._capacity = capacity

    def get(self, key: bytes) -> bytes | None:
        """Return a result; one round trip."""
        return self._attempt(lambda client: client.get(_name(key.hex())))

    def put(self, organisation: UUID, key: bytes, value: bytes) -> None:
        """Store a result; one round trip, two when there are too many."""

        def write(client: Any) -> bool:
            keys = _keys_of(organisation)
            # the key is listed before the result is there: what a crash leaves is a key too many, never a result too many
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
        """Remove an organisation's results; False when Redis did not confirm."""

        def remove(client: Any) -> bool:
            keys = _keys_of(organisation)
            client.unlink(keys, *(_name(each.decode()) for each in client.zrange(keys, 0, -1)))
            return True

        return bool(self._attempt(remove))


def _name(key: str) -> str:
    return PREFIX + key


def _keys_of(organisation: UUID) -> str:
    return f"{PREFIX}of:{organisation}"
