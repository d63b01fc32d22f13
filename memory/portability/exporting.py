"""Writing an organisation's memories out, in the order they were stored, a batch at a time."""

import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.utils import timezone

from liftos.db import raw_cursor, tenant_transaction
from liftos.embedding.types import ModelInfo
from memory.models import Memory
from memory.portability.format import KIND, VERSION, line_of, pack_vector
from memory.portability.vectors import read_vectors

BATCH = 500

_COUNT = "SELECT count(*) FROM memory_memory WHERE organisation_id = %s AND head IS NULL AND (%s::uuid IS NULL OR id > %s)"


def count_memories(*, organisation: UUID, after: UUID | None = None) -> int:
    """Return how many memories an export writes."""
    with tenant_transaction(organisation), raw_cursor() as cursor:
        row = cursor.execute(_COUNT, (organisation, after, after)).fetchone()
    return row[0] if row else 0


def header_line(*, organisation: UUID, model: ModelInfo | None) -> str:
    """Return the first line of an export."""
    header: dict[str, Any] = {"liftos": KIND, "version": VERSION, "organisation": str(organisation)}
    if model is not None:
        header |= {"model": model.name, "model_version": model.version, "dimension": model.dimension}
    return json.dumps(header | {"exported_at": timezone.now().isoformat()})


def export_lines(*, organisation: UUID, model: int | None, after: UUID | None = None) -> Iterator[list[str]]:
    """Yield the lines of an organisation's memories in batches, each read in a transaction of its own.

    Every trust state is exported, earlier versions are not. What is erased meanwhile is not in later batches.

    Args:
        organisation: whose.
        model: the number of the model whose vectors go along; None for none.
        after: go on after this memory.
    """
    while True:
        with tenant_transaction(organisation):
            rows = Memory.objects.filter(organisation_id=organisation, head=None).order_by("id")
            if after is not None:
                rows = rows.filter(id__gt=after)
            batch = list(rows.prefetch_related("links")[:BATCH])
            vectors = read_vectors(organisation, model, [row.id for row in batch]) if model else {}
        if not batch:
            return
        yield [json.dumps(line_of(_fields(row, vectors.get(row.id))), ensure_ascii=False) for row in batch]
        after = batch[-1].id


def _fields(row: Memory, vector: Any) -> dict[str, Any]:
    links = [
        {"kind": link.kind, "external_id": link.target_external_id, "weight": link.weight}
        for link in row.links.all()
        if link.target_external_id
    ]
    sources = [str(link.target_id) for link in row.links.all() if not link.target_external_id]
    return {
        "id": str(row.id),
        "content": row.content,
        "metadata": row.metadata,
        "memory_type": row.memory_type,
        "source": row.source,
        "external_id": row.external_id or None,
        "tags": row.tags,
        "importance": row.importance,
        "links": links,
        "derived_from": sources,
        "thread": row.thread,
        "valid_from": row.valid_from.isoformat() if row.valid_from else None,
        "valid_to": row.valid_to.isoformat() if row.valid_to else None,
        "expires_at": row.expires_at.isoformat() if row.expires_at else None,
        "recorded_at": row.recorded_at.isoformat(),
        "state": row.state,
        "superseded_by": str(row.superseded_by) if row.superseded_by else None,
        "vector": None if vector is None else pack_vector(vector),
    }
