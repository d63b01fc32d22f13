"""What memories say, as apps above read it in bulk: vectors and metadata. Inside the caller's tenant transaction.

A memory that shows nothing says nothing, and is left out.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import numpy as np

from liftos.kernel.db.binary import unpack_halfvecs
from liftos.kernel.db.transactions import raw_cursor
from memory.index.statements import (
    COUNT_LIVING,
    COUNT_VECTORS,
    PAGE_CONTENTS,
    SAMPLE_VECTORS,
    SOME_CONTENTS,
    TEXTS,
)
from memory.types import LIVING


@dataclass(frozen=True, slots=True)
class Contents:
    """What some living memories say.

    Attributes:
        ids: n of them.
        vectors: float32, shape (n, d), rows of NaN where a memory has none under the model; d = 0 if none has.
        metadata: n of them; empty where it was not asked for.
    """

    ids: list[UUID]
    vectors: np.ndarray
    metadata: list[dict[str, Any]]


def count_living(*, organisation: UUID) -> int:
    """Return how many memories may be believed, candidates included."""
    with raw_cursor() as cursor:
        row = cursor.execute(COUNT_LIVING, (organisation, [str(each) for each in LIVING])).fetchone()
    return row[0] if row else 0


def page_contents(
    *, organisation: UUID, model: int | None, after: UUID | None, limit: int, metadata: bool
) -> Contents:
    """Return what the next living memories say, in the order of their ids.

    Args:
        organisation: whose.
        model: which model's vectors; None for none.
        after: the last id that was read, None to begin.
        limit: at most so many.
        metadata: read it too.
    """
    values = {"after": after or UUID(int=0), "limit": limit}
    return _contents(PAGE_CONTENTS, organisation, model, metadata, values)


def some_contents(
    *, organisation: UUID, model: int | None, memories: Sequence[UUID], metadata: bool
) -> Contents:
    """Return what those of some memories say that are living, in any order. See `page_contents`."""
    return _contents(SOME_CONTENTS, organisation, model, metadata, {"ids": list(memories)})


def sample_vectors(*, organisation: UUID, model: int, limit: int) -> np.ndarray:
    """Return vectors of living memories, float32, shape (n, d), n ≤ limit: the same ones each time, of any age."""
    values = {
        "organisation": organisation,
        "model": model,
        "limit": limit,
        "living": [str(each) for each in LIVING],
    }
    with raw_cursor() as cursor:
        row = cursor.execute(SAMPLE_VECTORS, values, binary=True).fetchone()
    return unpack_halfvecs(row[1], row[0]) if row and row[0] else np.empty((0, 0), np.float32)


def count_vectors(*, organisation: UUID, model: int, memories: Sequence[UUID] | None = None) -> int:
    """Return how many living memories, or how many of some, have a vector under a model."""
    values = {
        "organisation": organisation,
        "model": model,
        "living": [str(each) for each in LIVING],
        "memories": None if memories is None else list(memories),
    }
    with raw_cursor() as cursor:
        row = cursor.execute(COUNT_VECTORS, values).fetchone()
    return row[0] if row else 0


def read_texts(*, organisation: UUID, memories: Sequence[UUID]) -> dict[UUID, str]:
    """Return the texts of those of some memories that there are."""
    with raw_cursor() as cursor:
        return dict(cursor.execute(TEXTS, (organisation, list(memories))).fetchall())


def _contents(
    statement: str, organisation: UUID, model: int | None, metadata: bool, values: dict[str, Any]
) -> Contents:
    values |= {
        "organisation": organisation,
        "model": model,
        "metadata": metadata,
        "living": [str(each) for each in LIVING],
    }
    with raw_cursor() as cursor:
        row = cursor.execute(statement, values, binary=True).fetchone()
    if row is None or row[0] is None:
        return Contents([], np.empty((0, 0), np.float32), [])
    ids = [UUID(bytes=bytes(row[0][start : start + 16])) for start in range(0, len(row[0]), 16)]
    present = np.asarray(row[2], bool)
    vectors = unpack_halfvecs(row[1], int(present.sum())) if present.any() else np.empty((0, 0), np.float32)
    placed = np.full((len(ids), vectors.shape[1]), np.nan, np.float32)
    placed[present] = vectors
    return Contents(ids, placed, [json.loads(text) for text in row[3] or ()])
