"""A cache in Redis whose failures never reach callers."""

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

logger = logging.getLogger("liftos.caching")


class RedisCache:
    """A cache in Redis, through the client of a django-redis alias.

    Redis errors are counted and treated as misses. After an error, Redis is not used for `pause_s`, so that a hanging
    server costs one socket timeout per pause, not per request. Give the alias a short SOCKET_TIMEOUT (redis-py: 5 s).
    """

    def __init__(
        self,
        alias: str,
        *,
        ttl: int,
        pause_s: float = 5.0,
        clock: Callable[[], float] = time.monotonic,
        connect: Callable[[], Any] | None = None,
    ) -> None:
        """Create a cache; it connects on first use.

        Args:
            alias: in settings.CACHES, a django-redis backend.
            ttl: lifetime of entries in seconds, at least 1.
            pause_s: seconds without Redis after an error.
            clock: monotonic, seconds.
            connect: returns a Redis client; by default the alias's.
        """
        self.errors = 0
        self._ttl = ttl
        self._pause_s = pause_s
        self._clock = clock
        self._connect = connect or (lambda: _client_of(alias))
        self._lock = threading.Lock()
        self._closed_until: float | None = None

    def _attempt(self, work: Callable[[Any], Any]) -> Any:
        """Return the result of `work`, or None after an error or during a pause."""
        with self._lock:
            probing = self._closed_until is not None
            if self._closed_until is not None:
                if self._clock() < self._closed_until:
                    return None
                # only this caller tries again; others skip Redis until it succeeds
                self._closed_until = self._clock() + self._pause_s
        try:
            result = work(self._connect())
        except Exception as error:  # noqa: BLE001  cache failures must not reach the caller
            with self._lock:
                self.errors += 1
                self._closed_until = self._clock() + self._pause_s
            logger.warning(
                "%s is not used for %s s: %s", type(self).__name__, self._pause_s, type(error).__name__
            )
            return None
        if probing:
            with self._lock:
                self._closed_until = None
        return result


def _client_of(alias: str) -> Any:
    from django_redis import get_redis_connection

    return get_redis_connection(alias)
