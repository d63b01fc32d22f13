"""Embeddings: models, caches, and the manager through which they are used."""

from liftos.kernel.embedding.bge import BgeSmallEmbedder
from liftos.kernel.embedding.errors import DimensionMismatch, EmbedderUnavailable
from liftos.kernel.embedding.hashing import HashingEmbedder
from liftos.kernel.embedding.manager import EmbeddingManager
from liftos.kernel.embedding.minilm import MiniLmEmbedder
from liftos.kernel.embedding.openai_compatible import OpenAiCompatibleEmbedder
from liftos.kernel.embedding.process_managers import get_manager, reset_manager
from liftos.kernel.embedding.registry import EMBEDDERS, create_embedder
from liftos.kernel.embedding.shared_cache import (
    InMemorySharedCache,
    NullSharedCache,
    RedisSharedCache,
    SharedCache,
)
from liftos.kernel.embedding.types import Embedder, Extent, ModelInfo, TextKind

__all__ = [
    "EMBEDDERS",
    "BgeSmallEmbedder",
    "DimensionMismatch",
    "Embedder",
    "EmbedderUnavailable",
    "EmbeddingManager",
    "Extent",
    "HashingEmbedder",
    "InMemorySharedCache",
    "MiniLmEmbedder",
    "ModelInfo",
    "NullSharedCache",
    "OpenAiCompatibleEmbedder",
    "RedisSharedCache",
    "SharedCache",
    "TextKind",
    "create_embedder",
    "get_manager",
    "reset_manager",
]
