"""What an embedder is."""

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
"""Whose text it is; None is for texts that belong to nobody, such as built-in labels."""


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """Which model made a vector. Only vectors of equal name and version may be compared.

    Attributes:
        name: the model, at most 200 characters.
        version: moves whenever the vectors of a text would; at most 100 characters.
        dimension: numbers in a vector.
    """

    name: str
    version: str
    dimension: int


class Embedder(Protocol):
    """Turns texts into vectors. Implementations may be called from several threads at once."""

    @property
    def model(self) -> ModelInfo:
        """The model behind the vectors."""

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return one vector for each text, in order.

        Args:
            texts: any strings, empty ones and lone surrogates included; may be empty.

        Returns:
            float32, shape (len(texts), d), finite rows of unit length.

        Raises:
            EmbedderUnavailable: the model can't answer now.
            DimensionMismatch: the model answered with vectors of another length.
        """
