"""A cache in Redis that may fail at any time without anybody noticing."""

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

logger = logging.getLogger("liftos.caching")


class RedisCache:
    """A cache in Redis, through the client of a django-redis alias.

    Nothing that Redis does is an error for the caller. After an error Redis is left alone for `pause_s`: a server that
    hangs costs one socket timeout per pause, not one per request. Give the alias a short SOCKET_TIMEOUT; redis-py's own default is 5 s.
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
        """Name the cache; nothing is connected before the first use.

        Args:
            alias: of settings.CACHES, a django-redis backend.
            ttl: seconds an entry lives, at least 1.
            pause_s: seconds without a try after an error.
            clock: seconds, never going back.
            connect: returns a Redis client; by default that of the alias.
        """
        self.errors = 0
        self._ttl = ttl
        self._pause_s = pause_s
        self._clock = clock
        self._connect = connect or (lambda: _client_of(alias))
        self._lock = threading.Lock()
        self._closed_until: float | None = None

    def _attempt(self, work: Callable[[Any], Any]) -> Any:
        """Return what `work` returns, or None when Redis failed or is left alone."""
        with self._lock:
            probing = self._closed_until is not None
            if self._closed_until is not None:
                if self._clock() < self._closed_until:
                    return None
                # this caller tries alone; the others go on without until it knows
                self._closed_until = self._clock() + self._pause_s
        try:
            result = work(self._connect())
        except Exception as error:  # noqa: BLE001  whatever Redis or its client do, the caller goes on
            with self._lock:
                self.errors += 1
                self._closed_until = self._clock() + self._pause_s
            logger.warning(
                "%s left alone for %s s: %s", type(self).__name__, self._pause_s, type(error).__name__
            )
            return None
        if probing:
            with self._lock:
                self._closed_until = None
        return result


def _client_of(alias: str) -> Any:
    from django_redis import get_redis_connection

    return get_redis_connection(alias)
