"""Store memories in two steps: *prepare* analyses and embeds, *commit* writes.

A commit is one transaction with one decision record and an event per memory. Events contain ids but no content, so erasures don't
have to reach the outbox.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from time import perf_counter_ns
from uuid import UUID

from django.db import transaction

from liftos.kernel.db.transactions import pipelined, send_now, tenant_transaction
from liftos.kernel.db.viewers import ORGANISATION_SCOPE
from liftos.kernel.errors import Unavailable
from liftos.kernel.ids import new_id
from liftos.kernel.jobs import send_hint
from liftos.kernel.precedence import giving_way
from liftos.kernel.telemetry.manager import observe_operation
from liftos.kernel.tenancy.types import Actor
from memory.derivation import narrow
from memory.errors import ExternalIdTaken, IdTaken, MemoryErased, NotVisible, SecretRefused, UnknownSource
from memory.index import writes
from memory.index.embeddings import PENDING, embed_drafts, settle_model
from memory.index.planner_statistics import analyse_if_new
from memory.index.writes import Row
from memory.policies import read_secrets_policy
from memory.policy_types import Secrets
from memory.quotas.enforcement import over_quota
from memory.quotas.known import quotas_of
from memory.quotas.types import size_of
from memory.rejection.refusals import vet
from memory.rejection.tombstones import ValueRejected
from memory.secrets.screening import screen
from memory.store_record import record_refusal, record_store
from memory.types import (
    LIVING,
    EmbeddingState,
    MemoryDraft,
    Outcome,
    Rejection,
    Screened,
    Stored,
    TrustState,
    VisibleTo,
)
from memory.visibility import scope_of

IMPORT = "memory.import"
"""The operation of imports."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """Analysed and embedded drafts, ready to commit.

    Attributes:
        rows: the drafts as rows.
        model: the number of the vectors' model; None if the embedder is unavailable.
        took_ns: duration of the preparation.
    """

    rows: tuple[Row, ...]
    model: int | None
    took_ns: int = 0


def prepare(
    organisation: UUID, drafts: Sequence[MemoryDraft], trust: TrustState = TrustState.ACTIVE
) -> Prepared:
    """Analyse and embed drafts. Calls the model: don't call inside a transaction.

    Args:
        organisation: the tenant.
        drafts: the memories.
        trust: the highest trust state the caller may store, active or candidate.

    Raises:
        InvalidInput: a draft's own vector does not have the active model's dimension.
    """
    started = perf_counter_ns()
    prepared = embed_rows(organisation, read_drafts(organisation, drafts, trust))
    return replace(prepared, took_ns=perf_counter_ns() - started)


def read_drafts(
    organisation: UUID,
    drafts: Sequence[MemoryDraft],
    trust: TrustState = TrustState.ACTIVE,
    *,
    secrets: Secrets | None = None,
) -> list[Row]:
    """Analyse drafts for `embed_rows`: half of the work of a store, without model and, given the policy, without database.

    Rows of the policies `redact` and `refuse` have no secrets any more.

    Args:
        organisation: the tenant.
        drafts: the memories.
        trust: see `prepare`.
        secrets: the organisation's policy for secrets; None to read it if there are any.
    """
    if secrets is Secrets.ALLOW:
        return [writes.prepare(organisation, draft, trust) for draft in giving_way(drafts)]
    policy = cache(lambda: read_secrets_policy(organisation) if secrets is None else secrets)
    rows = []
    for draft in giving_way(drafts):
        clean, found = screen(draft, policy)
        row = writes.prepare(organisation, clean, trust)
        rows.append(row if found is None else replace(row, secrets=found))
    return rows


def embed_rows(organisation: UUID, rows: Sequence[Row]) -> Prepared:
    """Embed the rows of `read_drafts`. Calls the model: don't call inside a transaction.

    Raises:
        InvalidInput: as for `prepare`.
    """
    embedded, model = embed_drafts(organisation, [row.draft for row in rows], [row.reading for row in rows])
    with_vectors = (replace(row, embedded=each) for row, each in zip(rows, embedded, strict=True))
    return Prepared(tuple(with_vectors), model)


def remember(
    *,
    organisation: UUID,
    by: Actor,
    draft: MemoryDraft,
    trust: TrustState = TrustState.ACTIVE,
    parents: Sequence[UUID] = (),
) -> Stored:
    """Prepare and commit one memory; return the existing one if it was stored under this external id before.

    Args:
        organisation: the tenant.
        by: the actor.
        draft: the memory.
        trust: see `prepare`.
        parents: decisions that this one follows from.

    Raises:
        InvalidInput: as for `prepare`.
        ExternalIdTaken, ValueRejected, UnknownSource: as for `commit_one`.
    """
    with observe_operation("memory.store", organisation=str(organisation)):
        prepared = prepare(organisation, [draft], trust)
        refuse_secrets(organisation, by, [row.secrets for row in prepared.rows])
        [stored] = commit(organisation, by, prepared, operation="memory.store", parents=parents)
    raise_refusal(stored)
    return stored


def commit_one(*, organisation: UUID, by: Actor, prepared: Prepared, parents: Sequence[UUID] = ()) -> Stored:
    """Commit one memory.

    Raises:
        ExternalIdTaken: a memory with other content has the external id.
        SecretRefused: it has a secret, and the policy is to refuse these.
        ValueRejected: the organisation has rejected this value.
        UnknownSource: it is derived from a memory that does not exist.
    """
    observed = observe_operation("memory.store", organisation=str(organisation))
    with observed.count_in(prepared.took_ns):
        refuse_secrets(organisation, by, [row.secrets for row in prepared.rows])
        [stored] = commit(organisation, by, prepared, operation="memory.store", parents=parents)
    raise_refusal(stored)
    return stored


def raise_refusal(stored: Stored) -> None:
    """Raise the error of a refused draft, if it was refused."""
    if stored.refusal is not None:
        raise stored.refusal
    if stored.outcome is Outcome.SECRET and stored.secrets is not None:
        raise secret_refused(stored.secrets)
    if stored.rejection is not None:
        raise ValueRejected(stored.rejection)
    if stored.outcome is Outcome.CONFLICT:
        raise ExternalIdTaken(stored.id)
    if stored.outcome is Outcome.UNKNOWN_SOURCE:
        if stored.field == "links":
            raise UnknownSource("A memory that a link names does not exist.", loc=("links",))
        raise UnknownSource(loc=("derived_from",))
    if stored.outcome is Outcome.NOT_VISIBLE:
        raise NotVisible(stored.detail, loc=("visible_to",))
    if stored.outcome is Outcome.ERASED:
        raise MemoryErased
    if stored.outcome is Outcome.ID_TAKEN:
        raise IdTaken(loc=("id",))


def secret_refused(screened: Screened, *, within: tuple[str | int, ...] = ()) -> SecretRefused:
    """Return the error of a memory with secrets, which names fields and kinds.

    Args:
        screened: what was found.
        within: where the memory stands in the request.
    """
    field = next(iter(screened.found))[0]
    loc = (*within, *field.split("."))
    return SecretRefused(screened.refusal, loc=loc, found=screened.listed)


def refuse_secrets(organisation: UUID, by: Actor, found: Sequence[Screened | None]) -> None:
    """Record and raise the refusal of memories that are stored all or none; in a transaction of its own.

    Args:
        organisation: the tenant.
        by: the actor.
        found: of each memory.

    Raises:
        SecretRefused: the policy refuses one of them.
    """
    refused = [(place, each) for place, each in enumerate(found) if each is not None and each.is_refused]
    if not refused:
        return
    with tenant_transaction(organisation):
        record_refusal(organisation, by, [each for _, each in refused])
    place, first = refused[0]
    raise secret_refused(first, within=() if len(found) == 1 else (place,))


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
    """Commit a batch in one transaction; results are in the order of the drafts.

    A refused draft (external id taken, value rejected, source unknown) is reported in its result and does not affect the others.

    Args:
        organisation: the tenant.
        by: the actor.
        prepared: the batch.
        meanwhile: called once while Postgres works; must not use the database.
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


def commit_all(*, organisation: UUID, by: Actor, prepared: Prepared) -> list[Stored]:
    """Commit a batch in one transaction, all or none; results are in the order of the drafts.

    Raises:
        SecretRefused, ValueRejected, UnknownSource: as for `commit_one`, of the first draft that is refused.
    """
    refuse_secrets(organisation, by, [row.secrets for row in prepared.rows])
    with tenant_transaction(organisation):
        stored = commit_many(organisation=organisation, by=by, prepared=prepared)
        for each in stored:
            raise_refusal(each)
    return stored


def commit(
    organisation: UUID,
    by: Actor,
    prepared: Prepared,
    *,
    operation: str,
    meanwhile: Callable[[], None] | None = None,
    parents: Sequence[UUID] = (),
) -> list[Stored]:
    """Write and record prepared drafts; all stores (HTTP, bulk, import, admin, command, workflow) end here."""
    rows, unseen = place_rows(organisation, prepared.rows)
    chosen_readers = {
        row.id
        for row in prepared.rows
        if row.draft.visible_to is not None or row.draft.scope != ORGANISATION_SCOPE
    }
    model = prepared.model
    with tenant_transaction(organisation):
        chosen = settle_model(organisation, model if any(row.embedded.vectors for row in rows) else None)
        if chosen is not None and chosen != model:
            # the organisation has changed its model since: leave the vectors to the sweep
            rows, model = tuple(replace(row, embedded=PENDING) for row in rows), None
        rows, wide = narrow(organisation, rows, chosen_readers)
        unseen |= wide
        seen = [row for row in rows if row.id not in unseen]
        vetted, decision = vet(organisation, seen, imported=operation == IMPORT), new_id()
        refused, flagged = vetted.refused | unseen, vetted.flagged
        refused |= _over_quota(organisation, by, [row for row in rows if row.id not in refused])
        if flagged:
            rows = tuple(
                replace(row, state=TrustState.CANDIDATE, flagged=flagged[row.id].decision)
                if row.id in flagged
                else row
                for row in rows
            )
        rows = tuple(
            replace(row, state=TrustState.CANDIDATE)
            if row.secrets is not None and row.secrets.is_flagged and row.state in LIVING
            else row
            for row in rows
        )
        allowed = [row for row in rows if row.id not in refused]
        # pipelined, so that Postgres executes each statement while the next is built
        with pipelined():
            new = writes.insert(
                organisation=organisation, by=by, rows=allowed, model=model, decision=decision
            )
            stored = [
                replace(each, secrets=row.secrets) if row.secrets is not None else each
                for row, each in zip(
                    rows,
                    _outcomes(organisation, rows, {row.id for row in new}, refused, flagged),
                    strict=True,
                )
            ]
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


def place_rows(organisation: UUID, rows: Sequence[Row]) -> tuple[tuple[Row, ...], dict[UUID, Stored]]:
    """Return rows with the access scopes of their `visible_to`, and the results of those that the viewer would not see."""
    if all(row.draft.visible_to is None for row in rows):
        return tuple(rows), {}
    scopes: dict[VisibleTo, int] = {}
    refused: dict[VisibleTo, str] = {}
    for each in {row.draft.visible_to for row in rows if row.draft.visible_to is not None}:
        try:
            scopes[each] = scope_of(organisation, each)
        except NotVisible as error:
            refused[each] = error.message

    def placed(row: Row) -> Row:
        wanted = row.draft.visible_to
        if wanted is None or wanted in refused:
            return row
        return replace(row, draft=replace(row.draft, visible_to=None, scope=scopes[wanted]))

    unseen = {
        row.id: Stored(
            row.id, Outcome.NOT_VISIBLE, EmbeddingState.PENDING, detail=refused[row.draft.visible_to]
        )
        for row in rows
        if row.draft.visible_to in refused
    }
    return tuple(placed(row) for row in rows), unseen


def _over_quota(organisation: UUID, by: Actor, rows: Sequence[Row]) -> dict[UUID, Stored]:
    """Return the refusals of rows that the quotas leave no room for; one that is stored already takes none."""
    sizes = [size_of(row.draft) for row in rows] if quotas_of(organisation, by) else []
    over = over_quota(organisation, by, sizes)
    if not over:
        return {}
    again = writes.find_earlier(
        organisation, [rows[place] for place in over if rows[place].draft.external_id]
    )
    return {
        rows[place].id: Stored(rows[place].id, Outcome.OVER_QUOTA, EmbeddingState.PENDING, refusal=error)
        for place, error in over.items()
        if rows[place].id not in again
    }


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
            # another organisation has the id, which must not be disclosed
            stored.append(Stored(row.id, Outcome.ID_TAKEN, EmbeddingState.PENDING))
            continue
        if row.id not in earlier:
            raise Unavailable("A memory with this external id was just deleted; try again.")
        found = earlier[row.id]
        stored.append(
            Stored(found.id, Outcome.UNCHANGED if found.same else Outcome.CONFLICT, found.embedding)
        )
    # a repeated memory may have additional links
    again = [
        (each.id, row.draft)
        for row, each in giving_way(zip(rows, stored, strict=True))
        if each.outcome is Outcome.UNCHANGED and row.draft.links
    ]
    if again:
        writes.link(organisation, again)
    return stored
