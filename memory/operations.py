"""Storing memories, in two halves: *prepare* reads and embeds, *commit* writes.

A commit is one transaction with one decision record and an event for each memory. An event names its memory and never quotes it,
so that there is nothing in the outbox for an erasure to reach.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from time import perf_counter_ns
from uuid import UUID

from django.db import transaction

from liftos.kernel.db.transactions import pipelined, send_now, tenant_transaction
from liftos.kernel.errors import Unavailable
from liftos.kernel.ids import new_id
from liftos.kernel.jobs import send_hint
from liftos.kernel.precedence import giving_way
from liftos.kernel.telemetry.manager import observe_operation
from liftos.kernel.tenancy.types import Actor
from memory.errors import ExternalIdTaken, IdTaken, MemoryErased, UnknownSource
from memory.index import writes
from memory.index.embeddings import chosen_model, embed_drafts
from memory.index.planner_statistics import analyse_if_new
from memory.index.writes import Row
from memory.rejection.refusals import vet
from memory.rejection.tombstones import ValueRejected
from memory.store_record import record_store
from memory.types import EmbeddingState, MemoryDraft, Outcome, Rejection, Stored, TrustState

IMPORT = "memory.import"
"""The operation of what an import stores."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """Drafts that can be committed.

    Attributes:
        rows: the drafts, read and embedded.
        model: the number of the model that their vectors are of; None while the embedder is not available.
        took_ns: how long it took to prepare them.
    """

    rows: tuple[Row, ...]
    model: int | None
    took_ns: int = 0


def prepare(
    organisation: UUID, drafts: Sequence[MemoryDraft], trust: TrustState = TrustState.ACTIVE
) -> Prepared:
    """Read and embed drafts. Calls the model: not inside a transaction.

    Args:
        organisation: whose memories they become.
        drafts: what they say.
        trust: how far they may be believed: active or candidate, as the path and the credential decide.

    Raises:
        InvalidInput: a vector that a draft brings has another dimension than the active model's.
    """
    started = perf_counter_ns()
    prepared = embed_rows(organisation, read_drafts(organisation, drafts, trust))
    return replace(prepared, took_ns=perf_counter_ns() - started)


def read_drafts(
    organisation: UUID, drafts: Sequence[MemoryDraft], trust: TrustState = TrustState.ACTIVE
) -> list[Row]:
    """Return drafts as rows for `embed_rows`: half of the work of a store. Needs neither the database nor the model."""
    return [writes.prepare(organisation, draft, draft.embedding, trust) for draft in giving_way(drafts)]


def embed_rows(organisation: UUID, rows: Sequence[Row]) -> Prepared:
    """Return rows that `read_drafts` made with their vectors. Calls the model: not inside a transaction.

    Raises:
        InvalidInput: as for `prepare`.
    """
    vectors, model = embed_drafts(organisation, [row.draft for row in rows])
    with_vectors = (replace(row, vector=vector) for row, vector in zip(rows, vectors, strict=True))
    return Prepared(tuple(with_vectors), model)


def remember(
    *,
    organisation: UUID,
    by: Actor,
    draft: MemoryDraft,
    trust: TrustState = TrustState.ACTIVE,
    parents: Sequence[UUID] = (),
) -> Stored:
    """Prepare and commit one memory.

    Args:
        organisation: whose memory.
        by: who stores it.
        draft: what it says.
        trust: see `prepare`.
        parents: decisions that this one follows from.

    Returns:
        Its id; of the earlier memory where the same one was stored under this external id before.

    Raises:
        InvalidInput: as for `prepare`.
        Whatever `commit_one` raises.
    """
    with observe_operation("memory.store", organisation=str(organisation)):
        prepared = prepare(organisation, [draft], trust)
        [stored] = commit(organisation, by, prepared, operation="memory.store", parents=parents)
    raise_refusal(stored)
    return stored


def commit_one(*, organisation: UUID, by: Actor, prepared: Prepared, parents: Sequence[UUID] = ()) -> Stored:
    """Commit one memory.

    Raises:
        ExternalIdTaken: the external id belongs to a memory with other content.
        ValueRejected: the organisation has rejected this value.
        UnknownSource: it is derived from a memory that does not exist.
    """
    observed = observe_operation("memory.store", organisation=str(organisation))
    with observed.count_in(prepared.took_ns):
        [stored] = commit(organisation, by, prepared, operation="memory.store", parents=parents)
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
    """Prepare and commit a batch. See `commit_many`."""
    if not drafts:
        return []
    with observe_operation("memory.store_many", organisation=str(organisation), count=len(drafts)):
        prepared = prepare(organisation, drafts, trust)
        return commit(organisation, by, prepared, operation="memory.store_many", parents=parents)


def commit_many(
    *,
    organisation: UUID,
    by: Actor,
    prepared: Prepared,
    meanwhile: Callable[[], None] | None = None,
    parents: Sequence[UUID] = (),
) -> list[Stored]:
    """Commit a batch in one transaction; results stand in the order of the drafts.

    A draft that can't be stored (its external id belongs to other content, its value is rejected, its source does not
    exist) is reported as such and loses only itself.

    Args:
        organisation: whose memories.
        by: who stores them.
        prepared: what to store.
        meanwhile: called once while Postgres is at work; touches no database.
        parents: decisions that this one follows from.
    """
    count = len(prepared.rows)
    if not count:
        return []
    observed = observe_operation("memory.store_many", organisation=str(organisation), count=count)
    with observed.count_in(prepared.took_ns):
        return commit(
            organisation, by, prepared, operation="memory.store_many", meanwhile=meanwhile, parents=parents
        )


def commit(
    organisation: UUID,
    by: Actor,
    prepared: Prepared,
    *,
    operation: str,
    meanwhile: Callable[[], None] | None = None,
    parents: Sequence[UUID] = (),
) -> list[Stored]:
    """Write what was prepared, on record: the one way in for every path (HTTP, bulk, import, admin, command, workflow)."""
    rows, model = prepared.rows, prepared.model
    with tenant_transaction(organisation):
        chosen = chosen_model(organisation)
        if chosen is not None and chosen != model:
            # the organisation has moved to another model since the vectors were made: the sweep makes new ones
            rows, model = tuple(replace(row, vector=None) for row in rows), None
        vetted, decision = vet(organisation, rows, imported=operation == IMPORT), new_id()
        refused, flagged = vetted.refused, vetted.flagged
        if flagged:
            rows = tuple(
                replace(row, state=TrustState.CANDIDATE, flagged=flagged[row.id].decision)
                if row.id in flagged
                else row
                for row in rows
            )
        allowed = [row for row in rows if row.id not in refused]
        # what is written needs no answer: Postgres works on each statement while the next is made up here
        with pipelined():
            new = writes.insert(
                organisation=organisation, by=by, rows=allowed, model=model, decision=decision
            )
            stored = _outcomes(organisation, rows, {row.id for row in new}, refused, flagged)
            record_store(organisation, by, operation, rows, stored, model, decision, parents)
            analyse_if_new(len(new))
            if meanwhile is not None:
                send_now()
                meanwhile()
        if any(
            each.outcome is Outcome.STORED and each.embedding is EmbeddingState.PENDING for each in stored
        ):
            transaction.on_commit(lambda: send_hint("memory.heal_pending_embeddings", organisation))
    return [replace(each, decision=decision) for each in stored]


def _outcomes(
    organisation: UUID,
    rows: Sequence[Row],
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
