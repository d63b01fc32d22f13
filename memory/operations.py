"""Writing memories: one transaction, one decision record, one event for each memory."""

import logging
from collections.abc import Sequence
from uuid import UUID

import numpy as np
from django.db import transaction

from accountability.operations import record
from accountability.types import Effect
from liftos.db import tenant_transaction
from liftos.embedding import DimensionMismatch, EmbedderUnavailable, get_manager
from liftos.embedding.catalogue import model_number
from liftos.errors import Conflict, InvalidInput, Unavailable
from liftos.events.operations import emit, emit_many
from liftos.jobs import send_hint
from liftos.observability.manager import observe_operation
from liftos.observability.tracer import TRACER
from liftos.tenancy.types import SYSTEM, Actor
from memory import writes
from memory.models import Memory
from memory.queries import get_memory
from memory.text import ANALYSER
from memory.types import EmbeddingState, MemoryDraft, Outcome, Stored

logger = logging.getLogger("liftos.memory")

HEAL_BATCH = 64


class ExternalIdTaken(Conflict):
    """Another memory has this external id."""

    code = "memory.external_id_taken"


def remember(*, organisation: UUID, by: Actor, draft: MemoryDraft) -> Stored:
    """Store one memory.

    Returns:
        Its id; of the earlier memory where the same one was stored under this external id before.

    Raises:
        ExternalIdTaken: the external id belongs to a memory with other content.
        InvalidInput: the vector that came with it has another dimension than the active model's.
    """
    with observe_operation("memory.store", organisation=str(organisation)):
        stored = _store(organisation, by, [draft], operation="memory.store")[0]
    if stored.outcome is Outcome.CONFLICT:
        raise ExternalIdTaken(loc=("external_id",))
    return stored


def remember_many(*, organisation: UUID, by: Actor, drafts: Sequence[MemoryDraft]) -> list[Stored]:
    """Store a batch in one transaction; results stand in the order of the drafts.

    A draft whose external id belongs to a memory with other content is reported as a conflict and loses only itself.
    """
    if not drafts:
        return []
    observed = observe_operation("memory.store_many", organisation=str(organisation), count=len(drafts))
    with observed:
        return _store(organisation, by, drafts, operation="memory.store_many")


def forget(*, organisation: UUID, by: Actor, memory: UUID) -> UUID:
    """Delete a memory and everything it can be found by; return the decision's id.

    Raises:
        MemoryNotFound: there is none in this organisation.
    """
    with observe_operation("memory.delete", organisation=str(organisation)), tenant_transaction(organisation):
        row = get_memory(organisation=organisation, memory=memory, lock=True)
        writes.remove(organisation, row)
        decision = record(
            organisation=organisation,
            by=by,
            operation="memory.delete",
            effect=Effect.DELETE,
            subject=("memory", str(memory)),
            reasoning=f"Deleted at the request of {by.kind} {by.id}, with its vector, words, attributes and links.",
            outputs={"words": row.word_count, "terms": row.term_count},
        )
        emit(
            organisation=organisation,
            type="liftos.memory.deleted",
            subject=f"memories/{memory}",
            data={"memory_id": str(memory), "decision_id": str(decision)},
        )
    return decision


def heal_pending(*, organisation: UUID, limit: int = HEAL_BATCH) -> int:
    """Embed memories that were stored while the embedder was away; return how many got their vector.

    The model runs outside of any transaction. Two healers at once do the work twice and write it once.

    Raises:
        EmbedderUnavailable: it still is.
    """
    manager = get_manager()
    model = model_number(manager.model)
    with tenant_transaction(organisation):
        waiting = Memory.objects.filter(
            organisation_id=organisation, embedding=EmbeddingState.PENDING
        ).order_by("id")
        texts = dict(waiting.values_list("id", "content")[:limit])
    if not texts:
        return 0
    with TRACER.span("memory.embed", organisation=str(organisation), count=len(texts)):
        vectors = manager.embed_many(list(texts.values()), organisation=organisation)
    with tenant_transaction(organisation):
        # locked in id order, so that two healers can't hold what the other waits for
        still = list(waiting.filter(id__in=texts).select_for_update().values_list("id", flat=True))
        by_id = dict(zip(texts, vectors, strict=True))
        writes.insert_vectors(organisation, model, [(memory, by_id[memory]) for memory in still])
        Memory.objects.filter(organisation_id=organisation, id__in=still).update(
            embedding=EmbeddingState.READY
        )
        if still:
            record(
                organisation=organisation,
                by=SYSTEM,
                operation="memory.embed",
                reasoning=f"{len(still)} memories had been stored without a vector; the embedder answers again.",
                outputs={"healed": len(still)},
                memories=[{"id": str(memory)} for memory in still],
                versions={"embedding_model": model},
            )
    return len(still)


def _store(organisation: UUID, by: Actor, drafts: Sequence[MemoryDraft], operation: str) -> list[Stored]:
    vectors, model = _embed(organisation, drafts)
    rows = [writes.prepare(draft, vector) for draft, vector in zip(drafts, vectors, strict=True)]
    with tenant_transaction(organisation):
        written = {row.id for row in writes.insert(organisation=organisation, by=by, rows=rows, model=model)}
        stored = _outcomes(organisation, rows, written)
        _put_on_record(organisation, by, operation, rows, stored, model)
        if any(each.embedding is EmbeddingState.PENDING for each in stored):
            transaction.on_commit(lambda: send_hint("memory.heal_pending_embeddings", organisation))
    return stored


def _embed(organisation: UUID, drafts: Sequence[MemoryDraft]) -> tuple[list[np.ndarray | None], int | None]:
    """Return a vector for each draft, None where the embedder is not available, and the model's number."""
    manager = get_manager()
    vectors: list[np.ndarray | None] = [draft.embedding for draft in drafts]
    wanted = [index for index, vector in enumerate(vectors) if vector is None]
    try:
        model = manager.model
        for vector in vectors:
            if vector is not None and len(vector) != model.dimension:
                raise InvalidInput(
                    f"The active embedding model has {model.dimension} dimensions, not {len(vector)}.",
                    loc=("embedding",),
                )
        if wanted:
            with TRACER.span("memory.embed", count=len(wanted)):
                made = manager.embed_many(
                    [drafts[index].content for index in wanted], organisation=organisation
                )
            for index, vector in zip(wanted, made, strict=True):
                vectors[index] = vector
        return vectors, model_number(model)
    except (EmbedderUnavailable, DimensionMismatch):
        logger.warning("storing without vectors: the embedder is not available", extra={"count": len(wanted)})
        # without the model's identity a caller's own vector can't be filed either
        return [None] * len(drafts), None


def _outcomes(organisation: UUID, rows: Sequence[writes.Row], written: set[UUID]) -> list[Stored]:
    refused = [row for row in rows if row.id not in written]
    earlier = writes.find_earlier(organisation, refused) if refused else {}
    stored = []
    for row in rows:
        if row.id in written:
            stored.append(Stored(row.id, Outcome.STORED, row.embedding))
            continue
        if row.id not in earlier:
            raise Unavailable("A memory with this external id was deleted at the same moment; try again.")
        found = earlier[row.id]
        stored.append(
            Stored(found.id, Outcome.UNCHANGED if found.same else Outcome.CONFLICT, found.embedding)
        )
    # the same memory may come again with more links than before
    again = [
        (each.id, row.draft)
        for row, each in zip(rows, stored, strict=True)
        if each.outcome is Outcome.UNCHANGED and row.draft.links
    ]
    if again:
        writes.link(organisation, again)
    return stored


def _put_on_record(
    organisation: UUID,
    by: Actor,
    operation: str,
    rows: Sequence[writes.Row],
    stored: Sequence[Stored],
    model: int | None,
) -> None:
    counts = {outcome.value: sum(each.outcome is outcome for each in stored) for outcome in Outcome}
    new = [(row, each) for row, each in zip(rows, stored, strict=True) if each.outcome is Outcome.STORED]
    pending = sum(each.embedding is EmbeddingState.PENDING for _, each in new)
    reasoning = ", ".join(f"{count} {outcome}" for outcome, count in counts.items() if count)
    reasoning += f" of {len(rows)} sent."
    if counts[Outcome.CONFLICT]:
        reasoning += " A conflict is an external id that already names a memory with other content."
    if pending:
        reasoning += f" {pending} wait for their vector: the embedder is not available."
    decision = record(
        organisation=organisation,
        by=by,
        operation=operation,
        effect=Effect.WRITE,
        subject=("memory", str(stored[0].id)) if len(stored) == 1 else ("", ""),
        reasoning=reasoning,
        inputs={"count": len(rows), "characters": sum(len(row.draft.content) for row in rows)},
        outputs=counts | {"pending": pending},
        memories=[{"id": str(each.id)} for each in stored],
        versions={"analyser": ANALYSER, "embedding_model": model},
    )
    emit_many(
        organisation=organisation,
        type="liftos.memory.stored",
        events=[
            (
                f"memories/{each.id}",
                {
                    "memory_id": str(each.id),
                    "memory_type": row.draft.memory_type,
                    "source": row.draft.source,
                    "external_id": row.draft.external_id,
                    "decision_id": str(decision),
                },
            )
            for row, each in new
        ],
    )
