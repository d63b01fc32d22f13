"""Cache of function results, valid until the data they read changes (docs/decisions/0012)."""

import hashlib
import hmac
import math
import os
import threading
from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from liftos.kernel.caching.results.cache import CacheableFunction, FunctionCache
from liftos.kernel.caching.results.keys import UnkeyableArguments
from liftos.kernel.caching.results.shared import NullResults, RedisResults, SharedResults

__all__ = [
    "CacheableFunction", "FunctionCache", "NullResults", "RedisResults", "SharedResults",
    "UnkeyableArguments", "call", "get_function_cache", "reset_function_cache",
]  # fmt: skip

_ALIAS = "default"
_lock = threading.Lock()
_cache: FunctionCache | None = None


def call(
    function: CacheableFunction, organisation: UUID, arguments: Mapping[str, Any], compute: Callable[[], Any]
) -> tuple[Any, bool]:
    """Return a function's result and whether it was cached. See `FunctionCache.call`."""
    return get_function_cache().call(function, organisation, arguments, compute)


def get_function_cache() -> FunctionCache:
    """Return this process's cache, created from the settings on first use."""
    global _cache
    if _cache is None:
        with _lock:
            if _cache is None:
                _cache = _configured()
    return _cache


def reset_function_cache() -> None:
    """Drop this process's cache; the next call creates one from the current settings."""
    global _cache
    with _lock:
        _cache = None


def _configured() -> FunctionCache:
    from django.conf import settings

    ttl = settings.LIFTOS_FUNCTION_CACHE_TTL
    return FunctionCache(
        settings.LIFTOS_FUNCTION_CACHE_SIZE,
        ttl,
        RedisResults(_ALIAS, ttl=math.ceil(ttl)),
        # derived, so that SECRET_KEY itself is not used as a key here
        secret=hmac.digest(settings.SECRET_KEY.encode(), b"liftos.kernel.caching.results", hashlib.sha256),
        max_bytes=settings.LIFTOS_FUNCTION_CACHE_BYTES,
    )


def _after_fork() -> None:
    """Start with a new cache in a child: locks may have been held."""
    global _cache, _lock
    _cache = None
    _lock = threading.Lock()


os.register_at_fork(after_in_child=_after_fork)
