"""Statistics of an organisation's searchable memories: exact counts, and analyses of the newest texts and vectors.

- `total_memories`, `memory_types`, `temporal_patterns`: exact counts.
- `dominant_concepts`: from the newest 2,000 texts (memory/insights/concepts.py).
- `knowledge_density`: the share of these that shares a link, entity or thread with another memory.
- `semantic_clusters`: from the newest 1,000 vectors (memory/insights/clusters.py).
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import numpy as np

from liftos.kernel.db.transactions import raw_cursor, tenant_transaction
from liftos.kernel.embedding import EmbedderUnavailable
from liftos.kernel.embedding.catalogue import model_number
from liftos.kernel.precedence import giving_way
from liftos.kernel.telemetry.manager import observe_operation
from liftos.kernel.telemetry.tracing.tracer import TRACER
from memory.index.bulk_reads import read_vectors
from memory.index.embeddings import active_manager
from memory.insights.clusters import cluster
from memory.insights.concepts import dominant_concepts
from memory.insights.statements import COUNT_CONNECTED, COUNTS, NEWEST
from memory.search.filter_sql import where
from memory.search.types import SearchRequest

SAMPLE = 2_000
VECTORS = 1_000
CONCEPTS = 10
SHOWN = 5


@dataclass(frozen=True, slots=True)
class Counts:
    """Counts of searchable memories.

    Attributes:
        total: all of them.
        types: by type, most frequent first.
        hours: by hour of recording, 0 to 23 UTC.
        first, last: earliest and latest time of recording, aware UTC.
    """

    total: int
    types: dict[str, int]
    hours: dict[int, int]
    first: datetime | None
    last: datetime | None


@dataclass(frozen=True, slots=True)
class Insights:
    """Statistics of an organisation's memories; `density` is from 0 to 1, `clusters` are JSON-ready."""

    counts: Counts
    concepts: list[str]
    density: float
    clusters: list[dict[str, Any]] = field(default_factory=list)


def get_counts(*, organisation: UUID) -> Counts:
    """Return the exact counts, inside the caller's tenant transaction."""
    condition, values = where(SearchRequest(""), "m.id")
    with raw_cursor() as cursor:
        rows = cursor.execute(
            COUNTS.format(where=condition), values | {"organisation": organisation}
        ).fetchall()
    types: dict[str, int] = {}
    hours: dict[int, int] = {}
    for memory_type, hour, count, _, _ in rows:
        types[memory_type] = types.get(memory_type, 0) + count
        hours[hour] = hours.get(hour, 0) + count
    return Counts(
        total=sum(types.values()),
        types=dict(sorted(types.items(), key=lambda each: (-each[1], each[0]))),
        hours=dict(sorted(hours.items())),
        first=min((row[3] for row in rows), default=None),
        last=max((row[4] for row in rows), default=None),
    )


def get_insights(*, organisation: UUID) -> Insights:
    """Return counts, concepts, density and clusters. Only the cost of the counts grows with the collection."""
    with observe_operation("memory.insights", organisation=str(organisation)):
        model = _model(organisation)
        with tenant_transaction(organisation):
            counts = get_counts(organisation=organisation)
            newest = _newest(organisation)
            density = _density(organisation, newest)
            ids = [row[0] for row in newest[:VECTORS]]
            vectors = (
                read_vectors(organisation=organisation, model=model, memories=ids)
                if model is not None
                else {}
            )
        with TRACER.span("insights.concepts", count=len(newest)):
            concepts = dominant_concepts([row[1] for row in newest], CONCEPTS)
        with TRACER.span("insights.clusters", count=len(vectors)):
            clusters = _clusters({row[0]: row[1] for row in newest}, vectors)
    return Insights(counts, concepts, density, clusters)


def _model(organisation: UUID) -> int | None:
    try:
        return model_number(active_manager(organisation).model)
    except EmbedderUnavailable:
        return None


def _newest(organisation: UUID) -> list[tuple[UUID, str, int | None]]:
    condition, values = where(SearchRequest(""), "m.id")
    values |= {"organisation": organisation, "limit": SAMPLE}
    with raw_cursor() as cursor:
        return cursor.execute(NEWEST.format(where=condition), values).fetchall()


def _density(organisation: UUID, newest: list[tuple[UUID, str, int | None]]) -> float:
    if not newest:
        return 0.0
    values = {
        "organisation": organisation,
        "ids": [row[0] for row in newest],
        "threads": [row[2] for row in newest],
    }
    with raw_cursor() as cursor:
        row = cursor.execute(COUNT_CONNECTED, values).fetchone()
    return round(row[0] / len(newest), 4) if row else 0.0


def _clusters(texts: dict[UUID, str], vectors: dict[UUID, np.ndarray]) -> list[dict[str, Any]]:
    # order by id for a repeatable result
    ids = sorted(vectors)
    if not ids:
        return []
    found = cluster(np.stack([vectors[each] for each in ids]).astype(np.float32))
    return [
        {
            "label": ", ".join(dominant_concepts([texts[ids[place]] for place in each.members], 3)),
            "size": len(each.members),
            "cohesion": round(each.cohesion, 4),
            "memory_ids": [str(ids[place]) for place in each.members[:SHOWN]],
        }
        for each in giving_way(found)
    ]
