"""The embedder interface."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

Vector: TypeAlias = NDArray[np.float32]
"""Shape (d,), unit length."""

Vectors: TypeAlias = NDArray[np.float32]
"""Shape (n, d), each row of unit length."""

Organisation: TypeAlias = UUID | str | None
"""The owner of a text; None for texts without an owner, such as built-in labels."""


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """The model of a vector. Only vectors with equal name and version may be compared.

    Attributes:
        name: at most 200 characters.
        version: changes whenever the vectors do; at most 100 characters.
        dimension: of the vectors.
    """

    name: str
    version: str
    dimension: int


class Embedder(Protocol):
    """Turns texts into vectors. Implementations must be thread-safe."""

    @property
    def model(self) -> ModelInfo:
        """The model behind the vectors."""

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return one vector for each text, in order.

        Args:
            texts: any strings, including empty ones and lone surrogates; may be an empty list.

        Returns:
            float32, shape (len(texts), d), finite rows of unit length.

        Raises:
            EmbedderUnavailable: the model is unavailable.
            DimensionMismatch: the model returned vectors of another length.
        """
