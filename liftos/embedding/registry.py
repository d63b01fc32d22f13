"""From settings to a working manager."""

import hashlib
import hmac
import math
import os
import threading
from collections.abc import Mapping
from typing import Any

from liftos.embedding.hashing import HashingEmbedder
from liftos.embedding.local_models import FastEmbedEmbedder, SentenceTransformersEmbedder
from liftos.embedding.manager import EmbeddingManager
from liftos.embedding.minilm import MiniLmEmbedder
from liftos.embedding.openai_compatible import OpenAiCompatibleEmbedder
from liftos.embedding.shared_cache import NullSharedCache, RedisSharedCache, SharedCache
from liftos.embedding.types import Embedder

EMBEDDERS: Mapping[str, type] = {
    "minilm": MiniLmEmbedder,
    "openai": OpenAiCompatibleEmbedder,
    "hashing": HashingEmbedder,
    "sentence-transformers": SentenceTransformersEmbedder,
    "fastembed": FastEmbedEmbedder,
}
"""The values of LIFTOS_EMBEDDER."""

_manager: EmbeddingManager | None = None
_lock = threading.Lock()


def create_embedder(spec: str, options: Mapping[str, Any] | None = None) -> Embedder:
    """Return an embedder by name; no model is loaded yet.

    Args:
        spec: one of EMBEDDERS.
        options: keyword arguments of its class.

    Raises:
        ValueError: an unknown name, or options the embedder doesn't take.
    """
    kind = EMBEDDERS.get(spec)
    if kind is None:
        raise ValueError(f"unknown embedder {spec!r}: choose one of {', '.join(EMBEDDERS)}")
    try:
        embedder: Embedder = kind(**(options or {}))
    except TypeError as error:
        # names only: a value may be an API key
        raise ValueError(
            f"embedder {spec!r} can't take the options {sorted(options or {})}: {error}"
        ) from None
    return embedder


def get_manager() -> EmbeddingManager:
    """Return this process's manager, made from the settings at the first call."""
    global _manager
    manager = _manager
    if manager is None:
        with _lock:
            if _manager is None:
                from django.conf import settings

                _manager = EmbeddingManager(
                    cache_size=settings.LIFTOS_EMBEDDING_CACHE_SIZE,
                    cache_ttl=settings.LIFTOS_EMBEDDING_CACHE_TTL,
                )
            manager = _manager
    return manager


def reset_manager() -> None:
    """Drop this process's manager; the next call of `get_manager` reads the settings again."""
    global _manager
    with _lock:
        _manager = None


def configured_embedder() -> Embedder:
    """Return a new embedder as LIFTOS_EMBEDDER and LIFTOS_EMBEDDER_OPTIONS say."""
    from django.conf import settings

    return create_embedder(settings.LIFTOS_EMBEDDER, settings.LIFTOS_EMBEDDER_OPTIONS)


def configured_shared_cache(ttl: float) -> SharedCache:
    """Return Redis under LIFTOS_EMBEDDING_CACHE_ALIAS, or a cache that keeps nothing if there is none.

    Args:
        ttl: seconds an entry lives; Redis counts whole ones.
    """
    from django.conf import settings

    alias = settings.LIFTOS_EMBEDDING_CACHE_ALIAS
    if not alias or alias not in settings.CACHES:
        return NullSharedCache()
    return RedisSharedCache(alias, ttl=math.ceil(ttl))


def configured_secret() -> bytes:
    """Return the cache keys' secret: derived, so that SECRET_KEY itself signs nothing here."""
    from django.conf import settings

    return hmac.digest(settings.SECRET_KEY.encode(), b"liftos.embedding.cache", hashlib.sha256)


def _after_fork() -> None:
    """Start afresh in a child: locks may have been held, and a model's threads stayed with the parent."""
    global _manager, _lock
    _manager = None
    _lock = threading.Lock()


os.register_at_fork(after_in_child=_after_fork)
