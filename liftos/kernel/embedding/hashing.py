"""A deterministic embedder for tests and demonstrations: similarity is the share of common words."""

import hashlib
import re
import threading
import time
from collections.abc import Sequence

import numpy as np

from liftos.kernel.embedding.text import unit_rows
from liftos.kernel.embedding.types import ModelInfo, Vector, Vectors

_WORD = re.compile(r"\w+")


class HashingEmbedder:
    """Sums one pseudo-random vector per word. Equal in every process and on every machine.

    Attributes:
        calls: number of calls of `embed` with at least one text.
        texts: total number of texts.
    """

    def __init__(self, *, dimension: int = 64, delay_s: float = 0.0, name: str = "hashing") -> None:
        """Create an embedder.

        Args:
            dimension: of the vectors, at least 1.
            delay_s: seconds added to each call, to simulate a slow model.
            name: the model's name; determines the vectors.
        """
        if dimension < 1:
            raise ValueError("dimension must be at least 1")
        self.model = ModelInfo(name=name, version=f"1-{dimension}d", dimension=dimension)
        self.calls = 0
        self.texts = 0
        self._delay_s = delay_s
        self._lock = threading.Lock()

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return one vector for each text. See `Embedder.embed`."""
        dimension = self.model.dimension
        if not texts:
            return np.empty((0, dimension), dtype=np.float32)
        with self._lock:
            self.calls += 1
            self.texts += len(texts)
        if self._delay_s:
            time.sleep(self._delay_s)
        # a text without words is treated as one word
        return unit_rows(
            np.stack(
                [
                    np.sum([self._direction(word) for word in _WORD.findall(text.lower()) or [text]], axis=0)
                    for text in texts
                ]
            )
        )

    def _direction(self, word: str) -> Vector:
        seed = hashlib.sha256(f"{self.model.name}\x00{word}".encode("utf-8", "surrogatepass")).digest()
        generator = np.random.Generator(np.random.PCG64(int.from_bytes(seed[:16], "big")))
        return generator.standard_normal(self.model.dimension, dtype=np.float32)
