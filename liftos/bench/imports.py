"""`bench import`: bulk import of memories with vectors, beside a Chroma server with the same data.

Uses the path of every bulk store and import (`memory.operations.commit_many`, 500 per transaction, reading the next batch
meanwhile): rejected values checked, rows with constraints, vectors, words, attributes, entities, the decision record and an event per
memory, committed durably and searchable at once. The graph and larger segments of words, which workers build afterwards, are separate figures.
Chroma writes vectors, documents and metadata. Neither includes computing the embeddings.
"""

import tempfile
import time
from collections.abc import Generator, Sequence
from functools import partial
from pathlib import Path
from uuid import UUID

from tqdm import tqdm

from liftos.bench.database import as_owner
from liftos.bench.http.chroma_server import chroma, chroma_venv
from liftos.bench.search.data import Material, World
from liftos.bench.search.loading import Loaded
from liftos.bench.timing import elapsed_ms, elapsed_s, latency
from liftos.bench.types import Bench, Figure, Options, Target
from liftos.bench.venv import ReferenceUnavailable
from liftos.kernel.db.prefetch import Ahead
from liftos.kernel.db.scratch import scratch_database
from liftos.kernel.embedding.catalogue import model_number
from liftos.kernel.embedding.minilm import MiniLmEmbedder
from liftos.kernel.ids import new_id
from liftos.kernel.tenancy.operations import create_organisation
from liftos.kernel.tenancy.types import SYSTEM
from liftos.runtime import embedded
from memory.erasure.operations import forget
from memory.index.postings.packing import pack_next
from memory.index.vector_graph import grow_graph, index_name
from memory.index.writes import Row
from memory.operations import commit_many, embed_rows, read_drafts
from memory.types import MemoryDraft, Outcome

BATCH = 500
MOST = 100_000
WORD_TABLES = ("memory_posting", "memory_segment", "memory_segmentdocument", "memory_postinglist")
ERASED = 200


def run(options: Options) -> Generator[Figure]:
    """Yield rows per second beside Chroma's, bytes per memory, and the time of an erasure."""
    world = World(options.seed)
    [plan] = world.plans(min(options.memories, MOST), 1)
    material = world.material(plan)
    reference = _reference(options, material)
    with scratch_database("import"):
        model_number(MiniLmEmbedder().model)
        organisation = create_organisation(name="bench", by=SYSTEM).id
        before = _database_bytes()
        seconds, ids = _store(organisation, material)
        packing = elapsed_s(_pack, organisation)
        growing = elapsed_s(_grow, organisation)
        label = f"{len(ids):,} memories with vectors, history, constraints, decisions and events"
        yield Figure(
            f"import, {label}",
            len(ids) / seconds,
            "rows/s",
            "Chroma" if reference else "",
            reference,
            Target(">=", round(3 * reference)) if reference else None,
        )
        yield Figure("import, the packing of the words included", len(ids) / (seconds + packing), "rows/s")
        yield Figure("import, the graph of the vectors included", len(ids) / (seconds + growing), "rows/s")
        size = (_database_bytes() - before) / len(ids)
        yield Figure("bytes of the database for a memory, indexes included", size, "bytes")
        yield from _sizes(len(ids))
        yield from _erase(organisation, ids, options.seed)


def _reference(options: Options, material: Material) -> float | None:
    if options.chroma == "none":
        return None
    try:
        venv = chroma_venv(options.chroma, embedded.home())
        with (
            tempfile.TemporaryDirectory(prefix="liftos-chroma-") as place,
            chroma(venv, Path(place) / "c") as server,
        ):
            rows = len(material.contents)
            given = Loaded(new_id(), World(0).plans(rows, 1)[0], material, [new_id() for _ in range(rows)])
            return rows / elapsed_s(server.load, [given])
    except ReferenceUnavailable as error:
        tqdm.write(f"without Chroma: {error}")
        return None


def _store(organisation: UUID, material: Material) -> tuple[float, list[UUID]]:
    def read(start: int) -> list[Row]:
        rows = range(start, min(start + BATCH, len(material.contents)))
        drafts = [
            MemoryDraft(
                material.contents[row],
                dict(material.metadata[row]),
                source="bench",
                external_id=str(row),
                embedding=material.vectors[row],
            )
            for row in rows
        ]
        return read_drafts(organisation, drafts)

    ids: list[UUID] = []
    started = time.perf_counter()
    starts = tqdm(range(0, len(material.contents), BATCH), desc="ours", unit="batch", disable=None)
    batches = Ahead(read, starts)
    for rows in batches:
        prepared = embed_rows(organisation, rows)
        stored = commit_many(
            organisation=organisation, by=SYSTEM, prepared=prepared, meanwhile=batches.make_next
        )
        if any(each.outcome is not Outcome.STORED for each in stored):
            raise RuntimeError("a memory was not stored")
        ids.extend(each.id for each in stored)
    return time.perf_counter() - started, ids


def _erase(organisation: UUID, ids: Sequence[UUID], seed: int) -> Generator[Figure]:
    step = max(1, len(ids) // ERASED)
    chosen = list(ids)[seed % step :: step][:ERASED]
    erase = partial(forget, organisation=organisation, by=SYSTEM)
    times = [elapsed_ms(partial(erase, memory=memory)) for memory in chosen]
    target = Target("<=", 50)
    yield from latency("erasure of one memory", times, p50=target, p95=target)


def _pack(organisation: UUID) -> None:
    while pack_next(organisation):
        pass


def _grow(organisation: UUID) -> None:
    while grow_graph(organisation):
        pass


def _database_bytes() -> int:
    return as_owner("SELECT pg_database_size(current_database())")


def _sizes(rows: int) -> Generator[Figure]:
    for title, size, tables in (
        ("of these the graph of the vectors", "pg_relation_size", [index_name(1)]),
        ("of these the words", "pg_total_relation_size", WORD_TABLES),
        ("of these the events, until they are delivered and pruned", "pg_total_relation_size", ["events_outboxevent"]),
    ):  # fmt: skip
        found = sum(as_owner(f"SELECT {size}(%s::regclass)", [table]) for table in tables)
        yield Figure(title, found / rows, "bytes")


BENCH = Bench("import", "rows stored per second beside Chroma, bytes per memory, the time of an erasure", run)
