"""The HNSW graph index of each embedding model, shared by large organisations, created by the owner and filled by workers.

Inserting a vector into the graph takes 1.2 ms, 60% of storing a memory. Small organisations are searched exhaustively
(`memory.search.arms.meaning`), so their vectors stay outside the graph. Large organisations' vectors are stored outside, where
searches also read them, until a worker inserts them.
"""

from uuid import UUID

from django.db import connection, connections

from liftos.kernel.db.transactions import raw_cursor, tenant_transaction
from memory.index.collection_statistics import get_corpus
from memory.index.statements import CREATE_GRAPH, ENTER_GRAPH, LOCK_GRAPH

_indexed: set[tuple[str, int]] = set()

GRAPH_ROWS = 10_000
"""Memories at which an organisation's vectors start to enter the graph, before searches need it."""
BATCH = 100  # an erasure waits for at most one batch: 0.1 s


def index_name(model: int) -> str:
    """Return the name of a model's index."""
    return f"memory_vector_hnsw_{model}"


def is_indexed(model: int | None) -> bool:
    """Return whether a model has its index; a positive answer is cached forever."""
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
    """Create a model's index as the owner, without blocking writers.

    Source: Malkov & Yashunin 2018, with pgvector's default parameters.
    """
    with connections["owner"].cursor() as cursor:
        cursor.execute(
            CREATE_GRAPH.format(
                name=index_name(model), dimension=dimension, model=model, concurrently="CONCURRENTLY"
            )
        )


def grow_graph(organisation: UUID) -> int:
    """Insert a batch of a large organisation's vectors into the graph; return its size.

    Returns 0 when nothing is left, or when another worker is at it: one works on an organisation at a time.
    """
    with tenant_transaction(organisation), raw_cursor() as cursor:
        locked = cursor.execute(LOCK_GRAPH, [organisation]).fetchone()
        if locked is None or not locked[0] or get_corpus(organisation).documents < GRAPH_ROWS:
            return 0
        return cursor.execute(ENTER_GRAPH, [organisation, BATCH]).rowcount


def list_organisations_outside_graph() -> list[UUID]:
    """Return the large organisations with vectors outside the graph. Spans tenants through a definer function."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT organisation_id FROM liftos_organisations_outside_graph(%s)", [GRAPH_ROWS])
        return [row[0] for row in cursor.fetchall()]
