"""Vectors that callers give with their memories, which must be those of the organisation's model.

Two models may have the same dimension, as bge-small and MiniLM do, and a vector does not say which made it. An organisation that has
used several models of a dimension takes such a vector only with its model's name (`embedding_model`).
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from liftos.kernel.embedding import get_manager
from liftos.kernel.embedding.process_managers import embedder_names
from liftos.kernel.embedding.types import ModelInfo


class Refusal(NamedTuple):
    """The reason why a vector is not stored: the field at fault, an error code and a message."""

    field: str
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class GivenVectors:
    """The vectors that an organisation takes.

    Attributes:
        model: the one it uses.
        former: names of the models of the same dimension that it used before.
    """

    model: ModelInfo
    former: frozenset[str] = frozenset()

    def refusal(self, vector: np.ndarray | None, named: str) -> Refusal | None:
        """Return the reason why a vector is not stored, None if it may be.

        Args:
            vector: the caller's, shape (d,); None for none.
            named: the name of its model or embedder; empty if not given.
        """
        model = self.model
        if vector is None:
            return None
        if named and not self._is_active(named):
            message = f"The organisation uses the embedding model {model.name}, not {named}"
            return Refusal("embedding_model", "model", message)
        if len(vector) != model.dimension:
            return Refusal(
                "embedding", "dimension", f"The active embedding model has {model.dimension} dimensions"
            )
        if not named and self.former:
            either = ", ".join(sorted({model.name, *self.former}))
            message = f"Name the vector's model: the organisation has used several of {model.dimension} dimensions ({either})"
            return Refusal("embedding_model", "missing", message)
        return None

    def _is_active(self, named: str) -> bool:
        model = self.model
        if named in (model.name, f"{model.name} {model.version}"):
            return True
        return bool(named) and named in embedder_names() and get_manager(named).model == model
