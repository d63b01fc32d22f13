"""How candidates come from Postgres: one row, ids joined as bytea and figures as an array, in binary form.

Read so, a thousand of them cost 60 us; as a thousand rows with UUID objects, 2 ms.
"""

from collections.abc import Callable, Sequence

import numpy as np
import psycopg
from numpy.typing import NDArray
from psycopg.rows import TupleRow

from memory.search.types import Key

Ids = NDArray[np.uint64]  # ids as pairs of 64 bits, shape (n, 2)

_HEADER = 20  # of an array of one dimension in binary form (Postgres' array_send): dimensions, nulls, type, length, lower bound


def figures(cursor: psycopg.Cursor[TupleRow]) -> Callable[[], dict[Key, float]]:
    """Return what waits for a row of ids, one after the other, and figures, and makes a dictionary of them."""

    def wait() -> dict[Key, float]:
        row = cursor.fetchone()
        if row is None or row[0] is None:
            return {}
        return dict(zip(keys_of(row[0]), row[1], strict=True))

    return wait


def keys_of(joined: bytes) -> list[Key]:
    """Return ids that stand one after the other."""
    return [joined[start : start + 16] for start in range(0, len(joined), 16)]


def ids_of(keys: Sequence[Key]) -> Ids:
    """Return ids as numbers."""
    return np.frombuffer(b"".join(keys), ">u8").reshape(-1, 2).astype(np.uint64)


def keys_at(ids: Ids, places: NDArray[np.int64]) -> list[Key]:
    """Return the ids at some places as bytes."""
    return keys_of(ids[places].astype(">u8").tobytes())


def elements(sent: bytes, kind: str) -> np.ndarray:
    """Return what Postgres' array_send made of an array of one dimension without nulls.

    Args:
        sent: its binary form.
        kind: numpy's name for the binary form of an element; "ids" for uuid[], which comes as shape (n, 2).
    """
    value = (">u8", (2,)) if kind == "ids" else kind
    return np.frombuffer(sent, [("length", ">i4"), ("value", value)], offset=_HEADER)["value"]
