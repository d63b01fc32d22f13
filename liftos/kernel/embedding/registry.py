"""Embedders by name, and those configured in the settings."""

import hashlib
import hmac
import math
from collections.abc import Mapping
from typing import Any

from django.conf import settings

from liftos.kernel.embedding.bge import BgeSmallEmbedder
from liftos.kernel.embedding.e5 import MultilingualE5Embedder
from liftos.kernel.embedding.hashing import HashingEmbedder
from liftos.kernel.embedding.local_models import FastEmbedEmbedder, SentenceTransformersEmbedder
from liftos.kernel.embedding.minilm import MiniLmEmbedder
from liftos.kernel.embedding.openai_compatible import OpenAiCompatibleEmbedder
from liftos.kernel.embedding.shared_cache import NullSharedCache, RedisSharedCache, SharedCache
from liftos.kernel.embedding.types import Embedder

EMBEDDERS: Mapping[str, type] = {
    "bge-small": BgeSmallEmbedder,
    "minilm": MiniLmEmbedder,
    "openai": OpenAiCompatibleEmbedder,
    "hashing": HashingEmbedder,
    "sentence-transformers": SentenceTransformersEmbedder,
    "fastembed": FastEmbedEmbedder,
    "multilingual-e5": MultilingualE5Embedder,
}
"""The values of LIFTOS_EMBEDDER."""

PACKAGED = ("bge-small", "minilm", "multilingual-e5")
"""Embedders whose files are in packages: they need no options, so an organisation can move to them without a setting."""


def create_embedder(spec: str, options: Mapping[str, Any] | None = None) -> Embedder:
    """Return an embedder by name, without loading its model.

    Args:
        spec: one of EMBEDDERS.
        options: keyword arguments of its class.

    Raises:
        ValueError: an unknown name or invalid options.
    """
    kind = EMBEDDERS.get(spec)
    if kind is None:
        raise ValueError(f"unknown embedder {spec!r}: choose one of {', '.join(EMBEDDERS)}")
    try:
        embedder: Embedder = kind(**(options or {}))
    except TypeError as error:
        # names only: values may be API keys
        raise ValueError(
            f"embedder {spec!r} does not accept the options {sorted(options or {})}: {error}"
        ) from None
    return embedder


def configured_embedder() -> Embedder:
    """Return a new embedder, configured by LIFTOS_EMBEDDER and LIFTOS_EMBEDDER_OPTIONS."""
    return create_embedder(settings.LIFTOS_EMBEDDER, settings.LIFTOS_EMBEDDER_OPTIONS)


def configured_shared_cache(ttl: float) -> SharedCache:
    """Return the Redis cache in LIFTOS_EMBEDDING_CACHE_ALIAS, or a null cache if there is none.

    Args:
        ttl: lifetime in seconds, rounded up.
    """
    alias = settings.LIFTOS_EMBEDDING_CACHE_ALIAS
    if not alias or alias not in settings.CACHES:
        return NullSharedCache()
    return RedisSharedCache(alias, ttl=math.ceil(ttl))


def configured_secret() -> bytes:
    """Return the secret of cache keys, derived from SECRET_KEY."""
    return hmac.digest(settings.SECRET_KEY.encode(), b"liftos.kernel.embedding.cache", hashlib.sha256)
