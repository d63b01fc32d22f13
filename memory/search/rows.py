"""How candidates come from Postgres: one row, ids joined as bytea and figures as an array, in binary form.

Read so, a thousand of them cost 60 us; as a thousand rows with UUID objects, 2 ms.
"""

from collections.abc import Callable

import psycopg
from psycopg.rows import TupleRow

from memory.search.types import Key


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
