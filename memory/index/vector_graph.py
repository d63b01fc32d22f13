"""The graph index of each embedding model: one for all large organisations, made by the owner and grown by workers.

A row's way into the graph takes 1.2 ms, three fifths of storing it. An organisation that is read from end to end by every search
(`memory.search.meaning`) needs none, so its vectors stay outside; those of a large one are stored outside, where each search reads
them too, and put in by a worker.
"""

from uuid import UUID

from django.db import connection, connections

from liftos.kernel.db.transactions import raw_cursor, tenant_transaction
from memory.index.collection_statistics import get_corpus

_indexed: set[tuple[str, int]] = set()

GRAPH_ROWS = 10_000
"""Memories from which on an organisation's vectors are put into the graph: it is there before searches want it."""
BATCH = 100  # an erasure waits for at most so many: 0.1 s

_ALONE = "SELECT pg_try_advisory_xact_lock(hashtextextended('memory.graph' || %s::text, 0))"
_ENTER = """
UPDATE memory_memoryvector SET in_graph = true WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM memory_memoryvector WHERE organisation_id = %s AND NOT in_graph LIMIT %s FOR UPDATE SKIP LOCKED
))
"""

CREATE = """
CREATE INDEX {concurrently} IF NOT EXISTS {name} ON memory_memoryvector
USING hnsw ((embedding::halfvec({dimension})) halfvec_cosine_ops) WHERE model_id = {model} AND in_graph
"""


def index_name(model: int) -> str:
    """Return the name of a model's index."""
    return f"memory_vector_hnsw_{model}"


def is_indexed(model: int | None) -> bool:
    """Tell whether a model has its index; once seen, it is taken to stay."""
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
            CREATE.format(
                name=index_name(model), dimension=dimension, model=model, concurrently="CONCURRENTLY"
            )
        )


def grow_graph(organisation: UUID) -> int:
    """Put some of a large organisation's vectors into the graph; return how many, 0 when there is nothing left to do.

    One worker at a time does it for an organisation; another that asks meanwhile is told that there is nothing to do.
    """
    with tenant_transaction(organisation), raw_cursor() as cursor:
        alone = cursor.execute(_ALONE, [organisation]).fetchone()
        if alone is None or not alone[0] or get_corpus(organisation).documents < GRAPH_ROWS:
            return 0
        return cursor.execute(_ENTER, [organisation, BATCH]).rowcount


def list_organisations_outside_graph() -> list[UUID]:
    """Return the large organisations with vectors outside of the graph. Runs outside of a tenant, by a definer function."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT organisation_id FROM liftos_organisations_outside_graph(%s)", [GRAPH_ROWS])
        return [row[0] for row in cursor.fetchall()]
