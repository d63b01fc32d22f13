"""Bulk reads of vectors, metadata and texts for the apps above, inside the caller's tenant transaction.

Blank memories are left out. The vector of a memory of several passages is the mean of its passages' vectors, brought to unit length:
passages are about equally long, so the mean weighs all parts of the text alike.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import numpy as np

from liftos.kernel.db.binary import unpack_halfvecs
from liftos.kernel.db.transactions import raw_cursor
from liftos.kernel.precedence import giving_way
from memory.index.statements import (
    CONTENTS,
    COUNT_LIVING,
    COUNT_VECTORS,
    OWN_VECTORS,
    PAGE_CONTENTS,
    SAMPLE_VECTORS,
    TEXTS,
    VECTORS,
)
from memory.types import LIVING, WHOLE

_LIVING = [str(state) for state in LIVING]


@dataclass(frozen=True, slots=True)
class Contents:
    """The contents of n living memories.

    Attributes:
        ids: n ids.
        vectors: of the memories, float32, shape (n, d); NaN rows for those without a vector of the model; d = 0 if none has one.
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
    """Return the vectors of a repeatable random sample of living memories: float32, shape (n, d), n ≤ limit."""
    values = {"organisation": organisation, "model": model, "limit": limit, "living": _LIVING}
    with raw_cursor() as cursor:
        row = cursor.execute(SAMPLE_VECTORS, values, binary=True).fetchone()
    return _means(row[1], row[0]) if row and row[1] else np.empty((0, 0), np.float32)


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
    """Return the vectors of those memories and earlier texts that have one under a model: float32, shape (d,)."""
    found = _read_vectors(organisation, model, memories)
    return {
        memory: next(iter(own.values())) if len(own) == 1 else _unit(np.mean(list(own.values()), axis=0))
        for memory, own in giving_way(found.items())
    }


def read_own_vectors(*, organisation: UUID, model: int, memories: Sequence[UUID]) -> dict[UUID, np.ndarray]:
    """Return the vectors that stand for memories and earlier texts as a whole, not those of several passages."""
    values = {"organisation": organisation, "model": model, "memories": list(memories), "whole": WHOLE}
    with raw_cursor() as cursor:
        rows = cursor.execute(OWN_VECTORS, values, binary=True).fetchall()
    return {memory: unpack_halfvecs(packed, 1)[0] for memory, packed in giving_way(rows)}


def read_passage_vectors(*, organisation: UUID, model: int, memory: UUID) -> dict[int, np.ndarray]:
    """Return the vectors of a memory under a model by passage number."""
    return _read_vectors(organisation, model, [memory]).get(memory, {})


def _read_vectors(
    organisation: UUID, model: int, memories: Sequence[UUID]
) -> dict[UUID, dict[int, np.ndarray]]:
    found: dict[UUID, dict[int, np.ndarray]] = {}
    with raw_cursor() as cursor:
        rows = cursor.execute(VECTORS, (organisation, model, list(memories)), binary=True).fetchall()
    for memory, passage, packed in giving_way(rows):
        found.setdefault(memory, {})[passage] = unpack_halfvecs(packed, 1)[0]
    return found


def _unit(vector: np.ndarray) -> np.ndarray:
    length = np.linalg.norm(vector, axis=-1, keepdims=True)
    return (vector / np.maximum(length, np.finfo(np.float32).tiny)).astype(np.float32)


def _means(packed: bytes, numbers: Sequence[int]) -> np.ndarray:
    """Return the vector of each memory that has one.

    Args:
        packed: the memories' vectors, concatenated.
        numbers: how many each memory has.
    """
    counts = np.asarray([number for number in numbers if number], np.int64)
    vectors = unpack_halfvecs(packed, int(counts.sum()))
    if len(vectors) == len(counts):
        return vectors
    starts = np.cumsum(counts) - counts
    means = np.add.reduceat(vectors, starts, axis=0) / counts[:, np.newaxis]
    return np.where((counts == 1)[:, np.newaxis], vectors[starts], _unit(means))


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
    vectors = _means(row[1], row[2]) if present.any() else np.empty((0, 0), np.float32)
    placed = np.full((len(ids), vectors.shape[1]), np.nan, np.float32)
    placed[present] = vectors
    return Contents(ids, placed, [json.loads(text) for text in row[3] or ()])
