"""Read stored vectors."""

from collections.abc import Sequence
from uuid import UUID

import numpy as np
from pgvector import HalfVector

from liftos.kernel.db.transactions import raw_cursor
from memory.transfer.statements import READ_VECTORS


def read_vectors(organisation: UUID, model: int, memories: Sequence[UUID]) -> dict[UUID, np.ndarray]:
    """Return memories' vectors of a model, float16, shape (d,), inside the caller's tenant transaction."""
    with raw_cursor() as cursor:
        rows = cursor.execute(READ_VECTORS, (organisation, model, list(memories))).fetchall()
    return {row[0]: HalfVector.from_text(row[1]).to_numpy() for row in rows}
