"""Vectors of texts: models, caches, and the manager everybody asks."""

from liftos.embedding.cache import LruTtlCache
from liftos.embedding.errors import DimensionMismatch, EmbedderUnavailable
from liftos.embedding.hashing import HashingEmbedder
from liftos.embedding.manager import EmbeddingManager
from liftos.embedding.minilm import MiniLmEmbedder
from liftos.embedding.openai_compatible import OpenAiCompatibleEmbedder
from liftos.embedding.registry import EMBEDDERS, create_embedder, get_manager, reset_manager
from liftos.embedding.shared_cache import InMemorySharedCache, NullSharedCache, RedisSharedCache, SharedCache
from liftos.embedding.types import Embedder, ModelInfo

__all__ = [
    "EMBEDDERS",
    "DimensionMismatch",
    "Embedder",
    "EmbedderUnavailable",
    "EmbeddingManager",
    "HashingEmbedder",
    "InMemorySharedCache",
    "LruTtlCache",
    "MiniLmEmbedder",
    "ModelInfo",
    "NullSharedCache",
    "OpenAiCompatibleEmbedder",
    "RedisSharedCache",
    "SharedCache",
    "create_embedder",
    "get_manager",
    "reset_manager",
]
