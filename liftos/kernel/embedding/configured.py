"""Embedders by name, and what the settings configure."""

import hashlib
import hmac
import math
from collections.abc import Mapping
from typing import Any

from django.conf import settings

from liftos.kernel.embedding.hashing import HashingEmbedder
from liftos.kernel.embedding.local_models import FastEmbedEmbedder, SentenceTransformersEmbedder
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


def configured_embedder() -> Embedder:
    """Return a new embedder as LIFTOS_EMBEDDER and LIFTOS_EMBEDDER_OPTIONS say."""
    return create_embedder(settings.LIFTOS_EMBEDDER, settings.LIFTOS_EMBEDDER_OPTIONS)


def configured_shared_cache(ttl: float) -> SharedCache:
    """Return Redis under LIFTOS_EMBEDDING_CACHE_ALIAS, or a cache that keeps nothing if there is none.

    Args:
        ttl: seconds an entry lives; Redis counts whole ones.
    """
    alias = settings.LIFTOS_EMBEDDING_CACHE_ALIAS
    if not alias or alias not in settings.CACHES:
        return NullSharedCache()
    return RedisSharedCache(alias, ttl=math.ceil(ttl))


def configured_secret() -> bytes:
    """Return the cache keys' secret: derived, so that SECRET_KEY itself signs nothing here."""
    return hmac.digest(settings.SECRET_KEY.encode(), b"liftos.kernel.embedding.cache", hashlib.sha256)
