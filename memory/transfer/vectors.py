"""Read stored vectors."""

from collections.abc import Sequence
from uuid import UUID

import numpy as np
from pgvector import HalfVector

from liftos.kernel.db.transactions import raw_cursor

_READ = """
SELECT memory_id, embedding::text FROM memory_memoryvector
WHERE organisation_id = %s AND model_id = %s AND memory_id = ANY(%s)
"""


def read_vectors(organisation: UUID, model: int, memories: Sequence[UUID]) -> dict[UUID, np.ndarray]:
    """Return memories' vectors of a model, float16, shape (d,), inside the caller's tenant transaction."""
    with raw_cursor() as cursor:
        rows = cursor.execute(_READ, (organisation, model, list(memories))).fetchall()
    return {row[0]: HalfVector.from_text(row[1]).to_numpy() for row in rows}
