"""What every embedder does to its input and its output."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from liftos.kernel.embedding.errors import DimensionMismatch
from liftos.kernel.embedding.types import Vectors

MAX_CHARACTERS = 8_000
"""A model reads the first few hundred words; tokenising a megabyte to drop it would cost a second."""


def clean_text(text: str, max_characters: int = MAX_CHARACTERS) -> str:
    """Return the part of a text that a model reads, in characters every tokeniser takes.

    Args:
        text: any string.
        max_characters: what follows is dropped.

    Returns:
        The text without NUL; a lone surrogate, which no encoding allows, became "?".
    """
    return text[:max_characters].replace("\x00", " ").encode("utf-8", "replace").decode("utf-8")


def unit_rows(rows: NDArray[np.floating]) -> Vectors:
    """Return rows scaled to unit length.

    Args:
        rows: shape (n, d).

    Returns:
        float32, shape (n, d).

    Raises:
        ValueError: a row is zero or not finite, so it has no direction.
    """
    # float64: the squares of large float32 values overflow
    wide = np.asarray(rows, dtype=np.float64)
    lengths = np.linalg.norm(wide, axis=1, keepdims=True)
    if not (np.isfinite(lengths).all() and (lengths > 0).all()):
        raise ValueError("a vector of zeros or with a value that is not finite")
    return (wide / lengths).astype(np.float32)


def checked_rows(rows: Any, count: int, dimension: int) -> Vectors:
    """Return what a model answered, if it is what it has to be.

    Args:
        rows: anything numpy makes an array of.
        count: vectors there must be.
        dimension: numbers each must have.

    Raises:
        DimensionMismatch: another shape.
        ValueError: a value is not finite.
    """
    vectors: Vectors = np.asarray(rows, dtype=np.float32)
    if vectors.shape != (count, dimension):
        raise DimensionMismatch(
            f"The model was to return {count} vectors of {dimension} numbers, not the shape {vectors.shape}."
        )
    if not np.isfinite(vectors).all():
        raise ValueError("the model returned a value that is not finite")
    return vectors
