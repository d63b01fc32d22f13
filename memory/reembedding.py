"""Compute vectors after the store: missing ones, and those of another model.

An organisation moves to another embedding model without downtime:

1. Fill: compute the new model's vectors in batches, each in a transaction. Searches use the old model. An interrupted fill
   continues with the missing vectors.
2. Flip: set the organisation's model. A store with vectors of the old model notices, and leaves its vectors to the sweep.
3. Catch up: once all transactions from before the flip have ended, fill what they stored.

Old vectors stay until dropped (`--drop`), for processes that have not noticed the flip.
"""

import time
from collections.abc import Iterator
from uuid import UUID

from accountability.operations import record
from accountability.types import Effect
from liftos.kernel.db.transactions import raw_cursor, tenant_transaction
from liftos.kernel.embedding import EmbeddingManager, TextKind
from liftos.kernel.embedding.catalogue import model_number
from liftos.kernel.telemetry.tracing.tracer import TRACER
from liftos.kernel.tenancy.types import SYSTEM, Actor
from memory.index import writes
from memory.index.embeddings import active_manager, chosen_model, clear_choices
from memory.models import Memory
from memory.ports import tell_followers
from memory.statements import (
    CHOOSE_MODEL,
    COUNT_VECTORS,
    DROP_OTHER_VECTORS,
    LOCK_UNCHANGED,
    MISSING_VECTORS,
    OLDEST_TRANSACTION,
)
from memory.types import EmbeddingState

BATCH = 128
HEAL_BATCH = 64


def heal_pending(*, organisation: UUID, limit: int = HEAL_BATCH) -> int:
    """Embed a batch of memories stored while the embedder was unavailable; return their number.

    The model runs outside transactions. Concurrent calls repeat work but write it once.

    Raises:
        EmbedderUnavailable: it still is.
    """
    manager = active_manager(organisation)
    model = model_number(manager.model)
    with tenant_transaction(organisation):
        waiting = Memory.objects.filter(
            organisation_id=organisation, embedding=EmbeddingState.PENDING
        ).order_by("id")
        texts = dict(waiting.values_list("id", "content")[:limit])
    if not texts:
        return 0
    with TRACER.span("memory.embed", organisation=str(organisation), count=len(texts)):
        vectors = manager.embed_many(list(texts.values()), kind=TextKind.DOCUMENT, organisation=organisation)
    with tenant_transaction(organisation):
        if (chosen_model(organisation) or model) != model:
            return len(texts)  # the model has changed: the next batch uses the new one
        # lock in id order to prevent deadlocks
        still = list(waiting.filter(id__in=texts).select_for_update().values_list("id", flat=True))
        by_id = dict(zip(texts, vectors, strict=True))
        writes.insert_vectors(organisation, model, [(memory, by_id[memory]) for memory in still])
        Memory.objects.filter(organisation_id=organisation, id__in=still).update(
            embedding=EmbeddingState.READY
        )
        tell_followers(organisation, still)
        if still:
            record(
                organisation=organisation,
                by=SYSTEM,
                operation="memory.embed",
                reasoning=f"{len(still)} memories were stored without a vector while the embedder was unavailable.",
                outputs={"healed": len(still)},
                memories=[{"id": str(memory)} for memory in still],
                versions={"embedding_model": model},
            )
    return len(still)


def count_vectors(*, organisation: UUID, model: int) -> tuple[int, int]:
    """Return the number of memories and earlier texts, and of those with a vector of a model."""
    with tenant_transaction(organisation), raw_cursor() as cursor:
        row = cursor.execute(COUNT_VECTORS, {"organisation": organisation, "model": model}).fetchone()
    assert row is not None  # noqa: S101  an aggregate has one row
    return row[0], row[1]


def fill(*, organisation: UUID, manager: EmbeddingManager) -> Iterator[int]:
    """Compute a model's missing vectors; yield the size of each batch.

    Raises:
        EmbedderUnavailable: the model failed; finished batches are kept.
    """
    number = model_number(manager.model)
    after = UUID(int=0)
    while True:
        values = {"organisation": organisation, "model": number, "after": after, "limit": BATCH}
        with tenant_transaction(organisation), raw_cursor() as cursor:
            missing = cursor.execute(MISSING_VECTORS, values).fetchall()
        if not missing:
            return
        with TRACER.span("memory.embed", organisation=str(organisation), count=len(missing)):
            vectors = manager.embed_many(
                [row[1] for row in missing], kind=TextKind.DOCUMENT, organisation=organisation
            )
        with tenant_transaction(organisation):
            with raw_cursor() as cursor:
                # skip memories that were erased or changed meanwhile
                asked = ([row[0] for row in missing], [row[1] for row in missing], organisation)
                rows = cursor.execute(LOCK_UNCHANGED, asked).fetchall()
            still = {row[0] for row in rows}
            writes.insert_vectors(
                organisation,
                number,
                [(row[0], vector) for row, vector in zip(missing, vectors, strict=True) if row[0] in still],
            )
        after = missing[-1][0]
        yield len(still)


def flip(*, organisation: UUID, by: Actor, manager: EmbeddingManager) -> int:
    """Set and record an organisation's model; return the transaction's number."""
    number = model_number(manager.model)
    with tenant_transaction(organisation):
        before = chosen_model(organisation)
        record(
            organisation=organisation,
            by=by,
            operation="memory.reembed",
            effect=Effect.WRITE,
            reasoning=f"All memories have vectors of {manager.model.name} {manager.model.version}, which searches use from now on.",
            inputs={"model_before": before},
            outputs={"model": number},
            versions={"embedding_model": number},
        )
        with raw_cursor() as cursor:
            row = cursor.execute(CHOOSE_MODEL, (organisation, number)).fetchone()
    clear_choices()
    return int(row[0]) if row else 0


def wait_for_older(transaction: int, *, patience_s: float = 60.0, pause_s: float = 0.05) -> bool:
    """Wait until all transactions that began before a given one have ended; return whether they did in time."""
    until = time.monotonic() + patience_s
    while time.monotonic() < until:
        with raw_cursor() as cursor:
            row = cursor.execute(OLDEST_TRANSACTION).fetchone()
        if row is not None and int(row[0]) > transaction:
            return True
        time.sleep(pause_s)
    return False


def drop_others(*, organisation: UUID, model: int) -> int:
    """Delete the vectors of all other models, 5,000 per transaction; return their number."""
    dropped = 0
    while True:
        with tenant_transaction(organisation), raw_cursor() as cursor:
            count = cursor.execute(DROP_OTHER_VECTORS, (organisation, model, organisation, model)).rowcount
        dropped += count
        if not count:
            return dropped
