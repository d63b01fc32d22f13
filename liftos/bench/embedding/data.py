"""Texts and look-ups for the embedding benchmark. No Django here."""

from collections.abc import Sequence
from itertools import islice, product
from time import sleep

import numpy as np

from liftos.kernel.embedding.types import Embedder, ModelInfo, Vector, Vectors

_WHO = ("The spring campaign", "Our retail team", "The new agency", "A price cut", "The loyalty programme",
        "Paid search", "The podcast series", "Last week's newsletter", "The outlet store", "Free delivery")  # fmt: skip
_DID = ("raised", "lowered", "doubled", "hardly changed", "explained", "missed", "moved", "paid for", "followed",
        "brought back")  # fmt: skip
_WHAT = ("sales of boots", "the share of returning customers", "what a new customer costs", "visits from phones",
         "orders above fifty euros", "the return rate", "brand recall", "newsletter sign-ups", "stock of umbrellas",
         "complaints about sizes")  # fmt: skip
_WHEN = ("within two days of rain", "in the second week of May", "after the price test", "before the holidays",
         "while search was off", "in the north", "among students", "on weekends", "since the relaunch",
         "for a single month")  # fmt: skip
MOST_TEXTS = 10_000


def short_texts(count: int) -> list[str]:
    """Return at most 10,000 distinct English sentences of 8 to 16 words, shuffled."""
    every = [" ".join(parts) for parts in product(_WHO, _DID, _WHAT, _WHEN)]
    order = np.random.default_rng(7).permutation(len(every))
    return list(islice((every[place] for place in order), count))


def zipf(texts: Sequence[str], lookups: int, seed: int) -> list[str]:
    """Return Zipf-distributed look-ups: the n-th most frequent text has a share proportional to 1/n."""
    weights = 1 / np.arange(1, len(texts) + 1)
    chosen = np.random.default_rng(seed).choice(len(texts), lookups, p=weights / weights.sum())
    return [texts[place] for place in chosen]


class RandomEmbedder:
    """An embedder without cost, so that only the caches are measured."""

    def __init__(self, model: ModelInfo) -> None:
        """Identify as a model of this dimension."""
        self.model = model
        self.texts = 0
        self._random = np.random.default_rng(7)

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return unit vectors and count the texts. See `Embedder.embed`."""
        self.texts += len(texts)
        rows = self._random.standard_normal((len(texts), self.model.dimension), dtype=np.float32)
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)

    def one(self, text: str) -> Vector:
        """Return one vector."""
        return self.embed([text])[0]


class SlowEmbedder:
    """An embedder with added latency per call, like one behind a network."""

    def __init__(self, inner: Embedder, seconds: float) -> None:
        """Wrap `inner`, delaying each call."""
        self._inner = inner
        self._seconds = seconds

    @property
    def model(self) -> ModelInfo:
        """The inner embedder's model."""
        return self._inner.model

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return the inner embedder's vectors after the delay."""
        sleep(self._seconds)
        return self._inner.embed(texts)
