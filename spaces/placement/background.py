"""How texts at large differ, for an organisation that has only few of its own."""

from collections.abc import Sequence
from importlib.resources import files
from typing import Protocol

from liftos.kernel.embedding.types import ModelInfo, Vectors
from spaces.geometry.projection import Background, describe

_known: dict[ModelInfo, Background] = {}


class Embeds(Protocol):
    """An embedding manager, or what looks like one."""

    @property
    def model(self) -> ModelInfo:
        """The model behind the vectors."""

    def embed_many(self, texts: Sequence[str]) -> Vectors:
        """Return one vector for each text."""


def background_texts() -> list[str]:
    """Return sixty sentences of everyday and business English, each of another subject."""
    return files("spaces").joinpath("background.txt").read_text(encoding="utf-8").splitlines()


def background(manager: Embeds) -> Background:
    """Return how texts at large differ under a manager's model; made once in a process."""
    found = _known.get(manager.model)
    if found is None:
        found = _known[manager.model] = describe(manager.embed_many(background_texts())).as_prior()
    return found
