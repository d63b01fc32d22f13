"""Bulk reads of vectors, metadata and texts for the apps above, inside the caller's tenant transaction.

Blank memories are left out.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import numpy as np
from pgvector import HalfVector

from liftos.kernel.db.binary import unpack_halfvecs
from liftos.kernel.db.transactions import raw_cursor
from liftos.kernel.precedence import giving_way
from memory.index.statements import (
    CONTENTS,
    COUNT_LIVING,
    COUNT_VECTORS,
    PAGE_CONTENTS,
    SAMPLE_VECTORS,
    TEXTS,
    VECTORS,
)
from memory.types import LIVING

_LIVING = [str(state) for state in LIVING]


@dataclass(frozen=True, slots=True)
class Contents:
    """The contents of n living memories.

    Attributes:
        ids: n ids.
        vectors: float32, shape (n, d); NaN rows for memories without a vector of the model; d = 0 if none has one.
        metadata: n objects, or empty if not requested.
    """

    ids: list[UUID]
    vectors: np.ndarray
    metadata: list[dict[str, Any]]


def count_living(*, organisation: UUID) -> int:
    """Return the number of living memories, candidates included."""
    with raw_cursor() as cursor:
        row = cursor.execute(COUNT_LIVING, (organisation, _LIVING)).fetchone()
    return row[0] if row else 0


def page_contents(
    *, organisation: UUID, model: int | None, after: UUID | None, limit: int, metadata: bool
) -> Contents:
    """Return the contents of the next living memories by id.

    Args:
        organisation: the tenant.
        model: the model whose vectors to read; None for no vectors.
        after: the last id of the previous page; None for the first page.
        limit: page size.
        metadata: whether to read metadata.
    """
    values = {"after": after or UUID(int=0), "limit": limit}
    return _contents(PAGE_CONTENTS, organisation, model, metadata, values)


def get_contents(
    *, organisation: UUID, model: int | None, memories: Sequence[UUID], metadata: bool
) -> Contents:
    """Return the contents of the living ones among memories, in any order. See `page_contents`."""
    return _contents(CONTENTS, organisation, model, metadata, {"ids": list(memories)})


def sample_vectors(*, organisation: UUID, model: int, limit: int) -> np.ndarray:
    """Return a repeatable random sample of living memories' vectors: float32, shape (n, d), n ≤ limit."""
    values = {"organisation": organisation, "model": model, "limit": limit, "living": _LIVING}
    with raw_cursor() as cursor:
        row = cursor.execute(SAMPLE_VECTORS, values, binary=True).fetchone()
    return unpack_halfvecs(row[1], row[0]) if row and row[0] else np.empty((0, 0), np.float32)


def count_vectors(*, organisation: UUID, model: int, memories: Sequence[UUID] | None = None) -> int:
    """Return how many living memories, optionally among given ones, have a vector of a model."""
    values = {
        "organisation": organisation,
        "model": model,
        "living": _LIVING,
        "memories": None if memories is None else list(memories),
    }
    with raw_cursor() as cursor:
        row = cursor.execute(COUNT_VECTORS, values).fetchone()
    return row[0] if row else 0


def read_vectors(*, organisation: UUID, model: int, memories: Sequence[UUID]) -> dict[UUID, np.ndarray]:
    """Return the vectors that memories and earlier texts have under a model: float16, shape (d,)."""
    with raw_cursor() as cursor:
        rows = cursor.execute(VECTORS, (organisation, model, list(memories))).fetchall()
    return {row[0]: HalfVector.from_text(row[1]).to_numpy() for row in giving_way(rows)}


def read_texts(*, organisation: UUID, memories: Sequence[UUID]) -> dict[UUID, str]:
    """Return the texts of those of the memories that exist."""
    with raw_cursor() as cursor:
        return dict(cursor.execute(TEXTS, (organisation, list(memories))).fetchall())


def _contents(
    statement: str, organisation: UUID, model: int | None, metadata: bool, values: dict[str, Any]
) -> Contents:
    values |= {"organisation": organisation, "model": model, "metadata": metadata, "living": _LIVING}
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
