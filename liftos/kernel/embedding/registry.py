"""From settings to a working manager."""

import hashlib
import hmac
import math
import os
import threading
from collections.abc import Mapping
from typing import Any

from liftos.kernel.embedding.hashing import HashingEmbedder
from liftos.kernel.embedding.local_models import FastEmbedEmbedder, SentenceTransformersEmbedder
from liftos.kernel.embedding.manager import EmbeddingManager
from liftos.kernel.embedding.minilm import MiniLmEmbedder
from liftos.kernel.embedding.openai_compatible import OpenAiCompatibleEmbedder
from liftos.kernel.embedding.shared_cache import NullSharedCache, RedisSharedCache, SharedCache
from liftos.kernel.embedding.types import Embedder

EMBEDDERS: Mapping[str, type] = {
    "minilm": MiniLmEmbedder,
    "openai": OpenAiCompatibleEmbedder,
    "hashing": HashingEmbedder,
    "sentence-transformers": SentenceTransformersEmbedder,
    "fastembed": FastEmbedEmbedder,
}
"""The values of LIFTOS_EMBEDDER."""

_managers: dict[str, EmbeddingManager] = {}
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


def get_manager(name: str = "") -> EmbeddingManager:
    """Return this process's manager of an embedder, made from the settings at the first call.

    Args:
        name: of LIFTOS_EMBEDDERS; empty for the installation's own, LIFTOS_EMBEDDER.

    Raises:
        KeyError: there is no embedder of that name.
    """
    manager = _managers.get(name)
    if manager is None:
        with _lock:
            manager = _managers.get(name)
            if manager is None:
                manager = _managers[name] = _new_manager(name)
    return manager


def embedder_names() -> tuple[str, ...]:
    """Return the names of all configured embedders, the installation's own, which is empty, first."""
    from django.conf import settings

    return ("", *settings.LIFTOS_EMBEDDERS)


def made_managers() -> list[EmbeddingManager]:
    """Return the managers that this process has made so far."""
    return list(_managers.values())


def reset_manager() -> None:
    """Drop this process's managers; the next call of `get_manager` reads the settings again."""
    with _lock:
        _managers.clear()


def _new_manager(name: str) -> EmbeddingManager:
    from django.conf import settings

    embedder = shared = secret = None
    if name:
        wanted = settings.LIFTOS_EMBEDDERS[name]
        embedder = create_embedder(wanted["embedder"], wanted.get("options"))
        shared = configured_shared_cache(settings.LIFTOS_EMBEDDING_CACHE_TTL)
        secret = configured_secret()
    return EmbeddingManager(
        cache_size=settings.LIFTOS_EMBEDDING_CACHE_SIZE,
        cache_ttl=settings.LIFTOS_EMBEDDING_CACHE_TTL,
        embedder=embedder,
        shared_cache=shared,
        secret=secret,
    )


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

    return hmac.digest(settings.SECRET_KEY.encode(), b"liftos.kernel.embedding.cache", hashlib.sha256)


def _after_fork() -> None:
    """Start afresh in a child: locks may have been held, and a model's threads stayed with the parent."""
    global _lock
    _managers.clear()
    _lock = threading.Lock()


os.register_at_fork(after_in_child=_after_fork)
