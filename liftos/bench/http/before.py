"""Search without cache or index: every query embedded, every row compared."""

from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter
from uuid import UUID

import numpy as np

from liftos.bench.search.loading import Loaded
from liftos.kernel.db.binary import HalfVec
from liftos.kernel.db.transactions import raw_cursor, tenant_transaction
from liftos.kernel.embedding import MiniLmEmbedder
from liftos.kernel.embedding.types import Vector

DEPTH = 10
_ALL = "SELECT memory_id, embedding FROM memory_memoryvector WHERE organisation_id = %s AND model_id = %s"
_READ = "SELECT id, content, metadata FROM memory_memory WHERE organisation_id = %s AND id = ANY(%s)"
_SCAN = """
SELECT memory_id FROM memory_memoryvector WHERE organisation_id = %s AND model_id = %s
ORDER BY embedding <=> %s::halfvec LIMIT %s
"""
_HALFVEC_HEADER = 4  # length of the header in pgvector's binary form


@dataclass(frozen=True, slots=True)
class Before:
    """Times in ms per query: embedding, and finding in Python and in SQL without an index."""

    embedding: list[float]
    in_python: list[float]
    in_sql: list[float]


def measure_before(organisation: Loaded, number: int, texts: Sequence[str]) -> Before:
    """Search without cache or index, in this process, without HTTP or record."""
    embedder = MiniLmEmbedder()
    embedder.embed(["warm"])
    times = Before([], [], [])
    for text in texts:
        started = perf_counter()
        vector = embedder.embed([text])[0]
        embedded = perf_counter()
        compare_in_python(organisation.id, number, vector)
        compared = perf_counter()
        _in_sql(organisation.id, number, vector)
        times.embedding.append((embedded - started) * 1e3)
        times.in_python.append((compared - embedded) * 1e3)
        times.in_sql.append((perf_counter() - compared) * 1e3)
    return times


def compare_in_python(organisation: UUID, number: int, vector: Vector) -> None:
    """Find the nearest by reading every vector and comparing in Python."""
    with tenant_transaction(organisation), raw_cursor() as cursor:
        rows = cursor.execute(_ALL, (organisation, number), binary=True).fetchall()
        stored = b"".join(row[1][_HALFVEC_HEADER:] for row in rows)
        vectors = np.frombuffer(stored, dtype=">f2").astype(np.float32).reshape(len(rows), len(vector))
        best = np.argsort(vectors @ vector)[::-1][:DEPTH]
        cursor.execute(_READ, (organisation, [rows[place][0] for place in best])).fetchall()


def _in_sql(organisation: UUID, number: int, vector: Vector) -> None:
    with tenant_transaction(organisation), raw_cursor() as cursor:
        cursor.execute("SET LOCAL enable_indexscan = off")
        found = cursor.execute(_SCAN, (organisation, number, HalfVec(vector), DEPTH)).fetchall()
        cursor.execute("SET LOCAL enable_indexscan = on")
        cursor.execute(_READ, (organisation, [row[0] for row in found])).fetchall()
