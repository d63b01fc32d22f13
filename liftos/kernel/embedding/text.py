"""Input and output processing shared by embedders."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from liftos.kernel.embedding.errors import DimensionMismatch
from liftos.kernel.embedding.types import Vectors

MAX_CHARACTERS = 8_000
"""Models read the first few hundred words; tokenising a megabyte would take a second."""


def clean_text(text: str, max_characters: int = MAX_CHARACTERS) -> str:
    """Return a text truncated to `max_characters`, with NUL replaced by a space and lone surrogates by "?"."""
    return text[:max_characters].replace("\x00", " ").encode("utf-8", "replace").decode("utf-8")


def unit_rows(rows: NDArray[np.floating]) -> Vectors:
    """Return rows scaled to unit length.

    Args:
        rows: shape (n, d).

    Returns:
        float32, shape (n, d).

    Raises:
        ValueError: a row is zero or not finite.
    """
    # float64, because squares of large float32 values overflow
    wide = np.asarray(rows, dtype=np.float64)
    lengths = np.linalg.norm(wide, axis=1, keepdims=True)
    if not (np.isfinite(lengths).all() and (lengths > 0).all()):
        raise ValueError("a vector is zero or not finite")
    return (wide / lengths).astype(np.float32)


def checked_rows(rows: Any, count: int, dimension: int) -> Vectors:
    """Return a model's output as an array after checking it.

    Args:
        rows: anything numpy converts to an array.
        count: expected number of vectors.
        dimension: expected dimension.

    Raises:
        DimensionMismatch: wrong shape.
        ValueError: a value is not finite.
    """
    vectors: Vectors = np.asarray(rows, dtype=np.float32)
    if vectors.shape != (count, dimension):
        raise DimensionMismatch(
            f"The model returned shape {vectors.shape} instead of ({count}, {dimension})."
        )
    if not np.isfinite(vectors).all():
        raise ValueError("the model returned a value that is not finite")
    return vectors
