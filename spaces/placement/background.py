"""The distribution of general texts, as a prior for organisations with few texts."""

from collections.abc import Sequence
from importlib.resources import files
from typing import Protocol

from liftos.kernel.embedding.types import ModelInfo, TextKind, Vectors
from spaces.geometry.projection import Background, describe

_known: dict[ModelInfo, Background] = {}


class Embedder(Protocol):
    """The part of `EmbeddingManager` used here."""

    @property
    def model(self) -> ModelInfo:
        """The model of the vectors."""

    def embed_many(self, texts: Sequence[str], *, kind: TextKind) -> Vectors:
        """Return one vector per text."""


def background_texts() -> list[str]:
    """Return sixty sentences of everyday and business English, each on a different subject."""
    return files("spaces").joinpath("background.txt").read_text(encoding="utf-8").splitlines()


def background(manager: Embedder) -> Background:
    """Return the distribution of general texts under a manager's model; computed once per process."""
    found = _known.get(manager.model)
    if found is None:
        found = _known[manager.model] = describe(
            manager.embed_many(background_texts(), kind=TextKind.DOCUMENT)
        ).as_prior()
    return found
