"""The graph index of each embedding model: one for all large organisations, made by the owner and grown by workers.

Inserting a row into the graph takes 1.2 ms, three fifths of storing it. A small organisation, whose vectors every search compares
(`memory.search.arms.meaning`), needs no graph, so its vectors stay outside. Those of a large one are stored outside, where each search
reads them too, and inserted by a worker.
"""

from uuid import UUID

from django.db import connection, connections

from liftos.kernel.db.transactions import raw_cursor, tenant_transaction
from memory.index.collection_statistics import get_corpus
from memory.index.statements import CREATE_GRAPH, ENTER_GRAPH, LOCK_GRAPH

_indexed: set[tuple[str, int]] = set()

GRAPH_ROWS = 10_000
"""Memories from which on an organisation's vectors are put into the graph: it is there before searches want it."""
BATCH = 100  # an erasure waits for at most so many: 0.1 s


def index_name(model: int) -> str:
    """Return the name of a model's index."""
    return f"memory_vector_hnsw_{model}"


def is_indexed(model: int | None) -> bool:
    """Return whether a model has its index; once seen, it is assumed to stay."""
    if model is None:
        return False
    key = (str(connection.settings_dict["NAME"]), model)
    if key not in _indexed:
        with raw_cursor() as cursor:
            row = cursor.execute("SELECT to_regclass(%s)", [index_name(model)]).fetchone()
        if row is None or row[0] is None:
            return False
        _indexed.add(key)
    return True


def create_index(model: int, dimension: int) -> None:
    """Make a model's index as the owner, without stopping writers (Malkov & Yashunin 2018; pgvector's defaults)."""
    with connections["owner"].cursor() as cursor:
        cursor.execute(
            CREATE_GRAPH.format(
                name=index_name(model), dimension=dimension, model=model, concurrently="CONCURRENTLY"
            )
        )


def grow_graph(organisation: UUID) -> int:
    """Put some of a large organisation's vectors into the graph; return how many, 0 when there is nothing left to do.

    One worker at a time does it for an organisation; another that asks meanwhile is told that there is nothing to do.
    """
    with tenant_transaction(organisation), raw_cursor() as cursor:
        alone = cursor.execute(LOCK_GRAPH, [organisation]).fetchone()
        if alone is None or not alone[0] or get_corpus(organisation).documents < GRAPH_ROWS:
            return 0
        return cursor.execute(ENTER_GRAPH, [organisation, BATCH]).rowcount


def list_organisations_outside_graph() -> list[UUID]:
    """Return the large organisations with vectors outside of the graph. Runs outside of a tenant, by a definer function."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT organisation_id FROM liftos_organisations_outside_graph(%s)", [GRAPH_ROWS])
        return [row[0] for row in cursor.fetchall()]
