"""Writing memories: one transaction, one decision record, one event for each memory.

An event names a memory and never quotes it, so that there is nothing in the outbox for an erasure to reach.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from uuid import UUID

import numpy as np
from django.db import transaction

from accountability.operations import record
from accountability.types import Effect
from liftos.kernel.db.transactions import pipelined, send_now, tenant_transaction
from liftos.kernel.embedding import DimensionMismatch, EmbedderUnavailable
from liftos.kernel.embedding.catalogue import model_number
from liftos.kernel.errors import Conflict, InvalidInput, Unavailable
from liftos.kernel.ids import new_id
from liftos.kernel.jobs import send_hint
from liftos.kernel.outbox.operations import emit_many
from liftos.kernel.precedence import giving_way
from liftos.kernel.telemetry.manager import observe_operation
from liftos.kernel.telemetry.tracing.tracer import TRACER
from liftos.kernel.tenancy.types import SYSTEM, Actor
from memory.analysis.values import is_blank
from memory.analysis.words import ANALYSER
from memory.index import writes
from memory.index.embeddings import active_manager, chosen_model
from memory.index.planner_statistics import analyse_if_new
from memory.models import Memory
from memory.ports import tell_followers
from memory.rejection.refusals import vet
from memory.rejection.tombstones import ValueRejected
from memory.types import EmbeddingState, MemoryDraft, Outcome, Rejection, Stored, TrustState

logger = logging.getLogger("liftos.memory")

HEAL_BATCH = 64
# rejections that a record names in words
NAMED = 10


class ExternalIdTaken(Conflict):
    """Another memory has this external id."""

    code = "memory.external_id_taken"

    def __init__(self, memory: UUID) -> None:
        """Name the other memory."""
        self.memory = memory
        super().__init__(f"Memory {memory} has this external id.", loc=("external_id",))

    @property
    def extensions(self) -> dict[str, str]:
        """Return what the problem details say beside their usual members."""
        return {"memory_id": str(self.memory)}


class UnknownSource(InvalidInput):
    """A memory that this one is derived from does not exist."""

    code = "memory.unknown_source"


IMPORT = "memory.import"
"""The operation of what an import stores."""


class MemoryErased(Conflict):
    """A memory of this id was erased; it is not taken back."""

    code = "memory.erased"


class IdTaken(Conflict):
    """This id can't be used here."""

    code = "memory.id_taken"


def remember(
    *,
    organisation: UUID,
    by: Actor,
    draft: MemoryDraft,
    trust: TrustState = TrustState.ACTIVE,
    parents: Sequence[UUID] = (),
) -> Stored:
    """Store one memory.

    Args:
        organisation: whose memory.
        by: who stores it.
        draft: what it says.
        trust: how far it may be believed: active or candidate, as the path and the credential decide.
        parents: decisions that this one follows from.

    Returns:
        Its id; of the earlier memory where the same one was stored under this external id before.

    Raises:
        ExternalIdTaken: the external id belongs to a memory with other content.
        ValueRejected: the organisation has rejected this value.
        UnknownSource: it is derived from a memory that does not exist.
        InvalidInput: the vector that came with it has another dimension than the active model's.
    """
    with observe_operation("memory.store", organisation=str(organisation)):
        stored = store(organisation, by, [draft], operation="memory.store", trust=trust, parents=parents)[0]
    raise_refusal(stored)
    return stored


def raise_refusal(stored: Stored) -> None:
    """Raise what a refused draft means to a caller who sent one alone."""
    if stored.rejection is not None:
        raise ValueRejected(stored.rejection)
    if stored.outcome is Outcome.CONFLICT:
        raise ExternalIdTaken(stored.id)
    if stored.outcome is Outcome.UNKNOWN_SOURCE:
        raise UnknownSource(loc=("derived_from",))
    if stored.outcome is Outcome.ERASED:
        raise MemoryErased
    if stored.outcome is Outcome.ID_TAKEN:
        raise IdTaken(loc=("id",))


def remember_many(
    *,
    organisation: UUID,
    by: Actor,
    drafts: Sequence[MemoryDraft],
    trust: TrustState = TrustState.ACTIVE,
    parents: Sequence[UUID] = (),
) -> list[Stored]:
    """Store a batch in one transaction; results stand in the order of the drafts.

    A draft that can't be stored (its external id belongs to other content, its value is rejected, its source does not
    exist) is reported as such and loses only itself.
    """
    rows = read_drafts(organisation, drafts, trust)
    return remember_rows(organisation=organisation, by=by, rows=rows, parents=parents)


def read_drafts(
    organisation: UUID, drafts: Sequence[MemoryDraft], trust: TrustState = TrustState.ACTIVE
) -> list[writes.Row]:
    """Return drafts as rows for `remember_rows`: the part of a store that needs no database, and half of its time."""
    return [writes.prepare(organisation, draft, draft.embedding, trust) for draft in giving_way(drafts)]


def remember_rows(
    *,
    organisation: UUID,
    by: Actor,
    rows: Sequence[writes.Row],
    meanwhile: Callable[[], None] | None = None,
    parents: Sequence[UUID] = (),
) -> list[Stored]:
    """Store drafts that `read_drafts` has read; as `remember_many` otherwise.

    Args:
        organisation: whose memories.
        by: who stores them.
        rows: what to store.
        meanwhile: called once while Postgres is at work; touches no database.
        parents: decisions that this one follows from.
    """
    if not rows:
        return []
    with observe_operation("memory.store_many", organisation=str(organisation), count=len(rows)):
        return store_rows(
            organisation, by, rows, operation="memory.store_many", meanwhile=meanwhile, parents=parents
        )


def heal_pending(*, organisation: UUID, limit: int = HEAL_BATCH) -> int:
    """Embed memories that were stored while the embedder was away; return how many got their vector.

    The model runs outside of any transaction. Two healers at once do the work twice and write it once.

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
        vectors = manager.embed_many(list(texts.values()), organisation=organisation)
    with tenant_transaction(organisation):
        if (chosen_model(organisation) or model) != model:
            return len(texts)  # it has moved to another model since: the next batch is made by that
        # locked in id order, so that two healers can't hold what the other waits for
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
                reasoning=f"{len(still)} memories had been stored without a vector; the embedder answers again.",
                outputs={"healed": len(still)},
                memories=[{"id": str(memory)} for memory in still],
                versions={"embedding_model": model},
            )
    return len(still)


def store(
    organisation: UUID,
    by: Actor,
    drafts: Sequence[MemoryDraft],
    *,
    operation: str,
    trust: TrustState = TrustState.ACTIVE,
    parents: Sequence[UUID] = (),
) -> list[Stored]:
    """Store drafts on record: the one way in for every path (HTTP, bulk, import, admin, command, workflow)."""
    rows = read_drafts(organisation, drafts, trust)
    return store_rows(organisation, by, rows, operation=operation, parents=parents)


def store_rows(
    organisation: UUID,
    by: Actor,
    rows: Sequence[writes.Row],
    *,
    operation: str,
    meanwhile: Callable[[], None] | None = None,
    parents: Sequence[UUID] = (),
) -> list[Stored]:
    """Store drafts that have been read already. See `store` and `remember_rows`."""
    vectors, model = embed_drafts(organisation, [row.draft for row in rows])
    rows = [replace(row, vector=vector) for row, vector in zip(rows, vectors, strict=True)]
    with tenant_transaction(organisation):
        chosen = chosen_model(organisation)
        if chosen is not None and chosen != model:
            # the organisation has moved to another model since the vectors were made: the sweep makes new ones
            rows, model = [replace(row, vector=None) for row in rows], None
        vetted, decision = vet(organisation, rows, imported=operation == IMPORT), new_id()
        refused, flagged = vetted.refused, vetted.flagged
        if flagged:
            rows = [
                replace(row, state=TrustState.CANDIDATE, flagged=flagged[row.id].decision)
                if row.id in flagged
                else row
                for row in rows
            ]
        allowed = [row for row in rows if row.id not in refused]
        # what is written needs no answer: Postgres works on each statement while the next is made up here
        with pipelined():
            new = writes.insert(
                organisation=organisation, by=by, rows=allowed, model=model, decision=decision
            )
            stored = _outcomes(organisation, rows, {row.id for row in new}, refused, flagged)
            _put_on_record(organisation, by, operation, rows, stored, model, decision, parents)
            analyse_if_new(len(new))
            if meanwhile is not None:
                send_now()
                meanwhile()
        if any(
            each.outcome is Outcome.STORED and each.embedding is EmbeddingState.PENDING for each in stored
        ):
            transaction.on_commit(lambda: send_hint("memory.heal_pending_embeddings", organisation))
    return [replace(each, decision=decision) for each in stored]


def embed_drafts(
    organisation: UUID, drafts: Sequence[MemoryDraft]
) -> tuple[list[np.ndarray | None], int | None]:
    """Return a vector for each draft, and the model's number.

    There is none for a draft that shows nothing, and none for any where the embedder is not available.
    """
    shown = [not is_blank(draft.content) for draft in drafts]
    vectors: list[np.ndarray | None] = [
        draft.embedding if shows else None for draft, shows in zip(drafts, shown, strict=True)
    ]
    wanted = [index for index, shows in enumerate(shown) if shows and vectors[index] is None]
    try:
        manager = active_manager(organisation)
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


def _outcomes(
    organisation: UUID,
    rows: Sequence[writes.Row],
    written: set[UUID],
    refused: dict[UUID, Stored],
    flagged: dict[UUID, Rejection],
) -> list[Stored]:
    taken = [row for row in rows if row.id not in written and row.id not in refused]
    earlier = writes.find_earlier(organisation, taken) if taken else {}
    stored = []
    for row in giving_way(rows):
        if row.id in refused:
            stored.append(refused[row.id])
            continue
        if row.id in written:
            stored.append(Stored(row.id, Outcome.STORED, row.embedding, flagged=flagged.get(row.id)))
            continue
        if row.id not in earlier and row.draft.past is not None:
            # somebody else's memory has it, of which nothing may be told
            stored.append(Stored(row.id, Outcome.ID_TAKEN, EmbeddingState.PENDING))
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
        for row, each in giving_way(zip(rows, stored, strict=True))
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
    decision: UUID,
    parents: Sequence[UUID],
) -> None:
    counts = {outcome.value: sum(each.outcome is outcome for each in stored) for outcome in Outcome}
    new = [(row, each) for row, each in zip(rows, stored, strict=True) if each.outcome is Outcome.STORED]
    pending = sum(each.embedding is EmbeddingState.PENDING for _, each in new)
    reasoning = ", ".join(f"{count} {outcome}" for outcome, count in counts.items() if count)
    reasoning += f" of {len(rows)} sent."
    if counts[Outcome.CONFLICT]:
        reasoning += " A conflict is an external id that already names a memory with other content."
    if counts[Outcome.REJECTED]:
        reasoning += " A rejected value is refused however it is written."
    flagged = list(dict.fromkeys(each.flagged.decision for each in stored if each.flagged is not None))
    if flagged:
        names = ", ".join(str(each) for each in flagged[:NAMED]) + (", …" if len(flagged) > NAMED else "")
        candidates = sum(each.flagged is not None for each in stored)
        reasoning += f" {candidates} hold a rejected value and are candidates (rejection {names})."
    if pending:
        reasoning += f" {pending} wait for their vector: the embedder is not available."
    refused = [
        {"rejection": str(each.rejection.decision), "memory": str(each.rejection.memory)}
        for each in stored
        if each.rejection is not None
    ]
    record(
        organisation=organisation,
        by=by,
        operation=operation,
        effect=Effect.WRITE,
        subject=("memory", str(stored[0].id)) if len(stored) == 1 else ("", ""),
        reasoning=reasoning,
        inputs={"count": len(rows), "characters": sum(len(row.draft.content) for row in rows)},
        outputs=counts | {"pending": pending},
        alternatives=refused,
        memories=[
            # what was there already was not made by this decision: overturning it leaves that alone
            {"id": str(each.id)}
            | ({"outcome": "unchanged"} if each.outcome is Outcome.UNCHANGED else {})
            | ({"rejection": str(each.flagged.decision)} if each.flagged is not None else {})
            for each in stored
            if each.outcome in (Outcome.STORED, Outcome.UNCHANGED)
        ],
        versions={"analyser": ANALYSER, "embedding_model": model},
        parents=parents,
        decision=decision,
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
                    "decision_id": str(decision),
                },
            )
            for row, each in new
        ],
    )
