"""Embedders based on optional packages, which LiftOS does not install."""

import importlib
import threading
from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import Any

import numpy as np

from liftos.kernel.embedding.errors import EmbedderUnavailable
from liftos.kernel.embedding.text import clean_text, unit_rows
from liftos.kernel.embedding.types import ModelInfo, Profile, Vectors

_PROFILE = {field.name for field in fields(Profile)}


class _LocalModel:
    """A model loaded by an optional package on first use."""

    package = ""

    def __init__(self, *, model: str, version: str = "1", **options: Any) -> None:
        """Create an embedder; the model is loaded on first use.

        Args:
            model: a name known to the package, or a directory.
            version: change it when the files behind the name change.
            options: fields of `Profile`, such as query_prefix; all others are passed to the package when it loads the model.

        Raises:
            ValueError: the profile is invalid.
        """
        self.profile = Profile(**{name: options.pop(name) for name in _PROFILE & options.keys()})
        self._name = model
        self._version = self.profile.marked(version)
        self._options = options
        self._lock = threading.Lock()
        self._loaded: tuple[Callable[[list[str]], Any], ModelInfo] | None = None

    @property
    def model(self) -> ModelInfo:
        """The model; loads it to learn its dimension."""
        return self._load()[1]

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return one vector for each text. See `Embedder.embed`."""
        encode, model = self._load()
        if not texts:
            return np.empty((0, model.dimension), dtype=np.float32)
        return unit_rows(np.asarray(encode([clean_text(text) for text in texts])))

    def _load(self) -> tuple[Callable[[list[str]], Any], ModelInfo]:
        with self._lock:
            if self._loaded is None:
                try:
                    package = importlib.import_module(self.package)
                except ImportError as error:
                    raise EmbedderUnavailable(
                        f"The configured embedder needs the Python package {self.package}, which is not installed."
                    ) from error
                encode = self._open(package)
                dimension = np.asarray(encode(["dimension"])).shape[1]
                self._loaded = encode, ModelInfo(self._name, self._version, dimension)
            return self._loaded

    def _open(self, package: Any) -> Callable[[list[str]], Any]:
        raise NotImplementedError


class SentenceTransformersEmbedder(_LocalModel):
    """Any sentence-transformers model."""

    package = "sentence_transformers"

    def _open(self, package: Any) -> Callable[[list[str]], Any]:
        model = package.SentenceTransformer(self._name, **self._options)
        return lambda texts: model.encode(texts, convert_to_numpy=True, show_progress_bar=False)


class FastEmbedEmbedder(_LocalModel):
    """Any fastembed text model."""

    package = "fastembed"

    def _open(self, package: Any) -> Callable[[list[str]], Any]:
        model = package.TextEmbedding(model_name=self._name, **self._options)
        return lambda texts: np.stack(list(model.embed(texts)))
