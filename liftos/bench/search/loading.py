"""Loads the search benchmark's organisations through the product's write path."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from liftos.bench.database import as_owner
from liftos.bench.search.data import DIMENSION, Material, Plan, World
from liftos.kernel.db.transactions import raw_cursor, tenant_transaction
from liftos.kernel.tenancy.models import Organisation
from liftos.kernel.tenancy.operations import create_organisation
from liftos.kernel.tenancy.types import SYSTEM
from memory.index import writes
from memory.index.embeddings import Embedded
from memory.index.vector_graph import create_index, grow_graph, index_name
from memory.types import EmbeddingState, MemoryDraft

BATCH = 200
PLAIN = "bench_plain_vectors"


@dataclass(frozen=True, slots=True)
class Loaded:
    """An organisation in the database; `ids[i]` is the memory of `material`'s row i."""

    id: UUID
    plan: Plan
    material: Material
    ids: list[UUID]


@dataclass(frozen=True, slots=True)
class Load:
    """Load times in seconds: writing rows without the graph, then building the graph."""

    organisations: list[Loaded]
    writing_s: float
    indexing_s: float


def load(world: World, plans: Sequence[Plan], model: int) -> Load:
    """Store every organisation's memories, interleaved, then vacuum and analyse the tables.

    The graph is built afterwards, in a hundredth of the time of building it row by row.
    """
    made = [
        Loaded(create_organisation(name=f"bench {place}", by=SYSTEM).id, plan, world.material(plan), [])
        for place, plan in enumerate(tqdm(plans, desc="organisations", disable=None))
    ]
    as_owner(f"DROP INDEX {index_name(model)}")
    started = perf_counter()
    _write(made, model)
    written = perf_counter()
    for each in made:
        while grow_graph(each.id):
            pass
    create_index(model, DIMENSION)
    indexed = perf_counter()
    as_owner("VACUUM (ANALYZE)")
    return Load(made, written - started, indexed - written)


def copy_plainly() -> None:
    """Create a naive reference table of all vectors: one graph, one index by organisation, plans left to the planner."""
    columns = "organisation_id, memory_id, model_id, embedding"
    as_owner(f"CREATE TABLE {PLAIN} AS SELECT {columns} FROM memory_memoryvector LIMIT 0")
    as_owner(f"GRANT SELECT, INSERT ON {PLAIN} TO PUBLIC")
    for organisation in Organisation.objects.values_list("id", flat=True):
        with tenant_transaction(organisation), raw_cursor() as own:
            own.execute(f"INSERT INTO {PLAIN} SELECT {columns} FROM memory_memoryvector")
    as_owner(f"ALTER TABLE {PLAIN} ADD PRIMARY KEY (organisation_id, memory_id, model_id)")
    as_owner(f"CREATE INDEX ON {PLAIN} USING hnsw ((embedding::halfvec({DIMENSION})) halfvec_cosine_ops)")
    as_owner(f"VACUUM (ANALYZE) {PLAIN}")


def _write(made: Sequence[Loaded], model: int) -> None:
    """Write the organisations' batches interleaved: in real tables a tenant's rows are not adjacent."""
    batches = [(place, start) for place, each in enumerate(made) for start in range(0, each.plan.size, BATCH)]
    # by position, to spread every organisation over the whole load
    batches.sort(key=lambda batch: ((batch[1] + 0.5) / made[batch[0]].plan.size, batch[0]))
    with tqdm(
        total=sum(each.plan.size for each in made), desc="memories", unit="row", disable=None
    ) as progress:
        for place, start in batches:
            each = made[place]
            write_batch(each, range(start, min(start + BATCH, each.plan.size)), model)
            progress.update(min(BATCH, made[place].plan.size - start))


def write_batch(
    each: Loaded, rows: Sequence[int], model: int, scopes: NDArray[np.int64] | None = None
) -> None:
    """Store some of an organisation's memories, with their access scopes; all the organisation's without."""
    material = each.material
    prepared = [
        writes.prepare(
            each.id,
            MemoryDraft(
                material.contents[row],
                material.metadata[row],
                source="bench",
                scope=0 if scopes is None else int(scopes[row]),
            ),
            embedded=Embedded({0: material.vectors[row]}, EmbeddingState.READY),
        )
        for row in rows
    ]
    with tenant_transaction(each.id):
        writes.insert(organisation=each.id, by=SYSTEM, rows=prepared, model=model)
    each.ids.extend(row.id for row in prepared)


def passing(organisation: Loaded, wanted: Mapping[str, object]) -> NDArray[np.bool_]:
    """Return the organisation's rows whose metadata has all of these values."""
    rows = organisation.material.metadata
    return np.array([all(row[key] == value for key, value in wanted.items()) for row in rows], dtype=bool)
