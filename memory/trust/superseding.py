"""Supersede a memory: store its successor and end its validity, in one transaction."""

from dataclasses import replace
from uuid import UUID

from liftos.kernel.db.transactions import raw_cursor, tenant_transaction
from liftos.kernel.errors import InvalidInput
from liftos.kernel.telemetry.manager import observe_operation
from liftos.kernel.tenancy.types import Actor
from memory import operations
from memory.derivation import check_readers
from memory.errors import ExternalIdTaken
from memory.operations import Prepared
from memory.queries import get_memory
from memory.trust.corrections import Changed
from memory.trust.derived_memories import Because, find_derived, settle_derived
from memory.trust.state_changes import change_state, lock_in_state, record_correction
from memory.trust.statements import CLOSE_MEMORY
from memory.trust.versions import database_now
from memory.types import LIVING, MemoryDraft, Outcome, TrustState
from memory.visibility import scope_of


def supersede(
    *,
    organisation: UUID,
    by: Actor,
    memory: UUID,
    draft: MemoryDraft,
    reason: str = "",
    version: int | None = None,
    trust: TrustState = TrustState.ACTIVE,
) -> Changed:
    """Replace a memory by a new one.

    The old one is kept: its `valid_to` becomes the new one's `valid_from` (default: now), which `as_of` selects by, and its earlier
    version shows when it was current, which `known_at` selects by.

    Args:
        organisation: the tenant.
        by: the actor.
        memory: the memory to replace.
        draft: the new memory.
        reason: free text.
        version: the expected version; None for any.
        trust: the highest trust state the caller may store.

    Raises:
        MemoryNotFound, StateForbids, VersionMismatch: as for `confirm`.
        ExternalIdTaken, ValueRejected, UnknownSource: the new one can't be stored.
    """
    prepared = operations.prepare(organisation, [draft], trust)
    return commit_supersede(
        organisation=organisation, by=by, memory=memory, prepared=prepared, reason=reason, version=version
    )


def commit_supersede(
    *,
    organisation: UUID,
    by: Actor,
    memory: UUID,
    prepared: Prepared,
    reason: str = "",
    version: int | None = None,
) -> Changed:
    """Supersede a memory by a prepared one (`memory.operations.prepare`).

    Raises:
        As `supersede`.
    """
    operations.refuse_secrets(organisation, by, [row.secrets for row in prepared.rows])
    observed = observe_operation("memory.supersede", organisation=str(organisation))
    with observed.count_in(prepared.took_ns), tenant_transaction(organisation):
        [new] = prepared.rows
        if new.draft.visible_to is None:
            # those who see the memory see its successor, and nobody else
            scope = get_memory(organisation=organisation, memory=memory).scope_id
            new = replace(new, draft=replace(new.draft, scope=scope))
        else:
            check_readers(organisation, scope_of(organisation, new.draft.visible_to), [memory])
        if new.draft.valid_from is None:
            now = database_now()
            new = replace(new, draft=replace(new.draft, valid_from=now))
            if new.draft.valid_to is not None and new.draft.valid_to < now:
                raise InvalidInput(
                    "valid_to must not be before valid_from, which defaults to now.", loc=("valid_to",)
                )
        # store the new one first: value locks come before row locks (memory/rejection/tombstones.py)
        prepared = replace(prepared, rows=(new,))
        [stored] = operations.commit(organisation, by, prepared, operation="memory.store")
        operations.raise_refusal(stored)
        if stored.outcome is not Outcome.STORED:
            raise ExternalIdTaken(stored.id)
        row = lock_in_state(organisation, memory, version=version, allowed=LIVING, participle="superseded")
        text = f"Superseded by {stored.id}; was {row.state}."
        # the new one may be derived from the old one
        derived = find_derived(organisation, [row.id], apart=[stored.id])
        outputs = {"successor": str(stored.id), "derived": derived.counts}
        decision = record_correction(
            organisation, by, "memory.supersede", row, text, reason, outputs, [stored.id],
            parents=[stored.decision] if stored.decision else [],
        )  # fmt: skip
        change_state(
            organisation,
            [row.id],
            TrustState.SUPERSEDED,
            operation="memory.supersede",
            reason=reason,
            by=by,
            decision=decision,
        )
        values = {
            "organisation": organisation,
            "memory": row.id,
            "successor": stored.id,
            "ends": new.draft.valid_from,
        }
        with raw_cursor() as cursor:
            cursor.execute(CLOSE_MEMORY, values)
        derived = settle_derived(
            organisation, by, derived, source=row.id, because=Because.SUPERSEDED, parent=decision
        )
        return Changed(
            row.id, TrustState.SUPERSEDED, row.version + 1, decision, successor=stored, derived=derived
        )
